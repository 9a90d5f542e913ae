/* A rule of textlint: sentences of the documents are short, and avoid what reads like a translation.
 *
 * plain-english.json has `words`, the most words of a sentence (inline code counts as one), and `not`,
 * {regular expression: what to write instead}.
 */
const { StringSource } = require("textlint-util-to-string");
const { split } = require("sentence-splitter");
const { words, not } = require("../plain-english.json");

const code = ({ node, maskValue }) => (node.type === "Code" ? maskValue("x") : undefined);

module.exports = function plainEnglish(context) {
  const { Syntax, RuleError, report, locator } = context;
  const banned = Object.entries(not).map(([word, better]) => [new RegExp(`\\b(?:${word})\\b`, "gi"), better]);

  function look(node) {
    const source = new StringSource(node, { replacer: code });
    const text = source.toString();
    for (const [expression, better] of banned) {
      for (const found of text.matchAll(expression)) {
        const index = source.originalIndexFromIndex(found.index) ?? 0;
        report(node, new RuleError(`"${found[0]}": ${better}`, { padding: locator.at(index) }));
      }
    }
    return [source, text];
  }

  return {
    [Syntax.TableCell]: look,
    [Syntax.Header]: look,
    [Syntax.Paragraph](node) {
      const [source, text] = look(node);
      for (const sentence of split(text).filter(({ type }) => type === "Sentence")) {
        // A colon or a semicolon ends a thought as a full stop does.
        const longest = Math.max(
          ...sentence.raw.split(/[:;](?=\s)/).map((part) => part.trim().split(/\s+/).length),
        );
        if (longest > words) {
          const index = source.originalIndexFromIndex(sentence.range[0]) ?? 0;
          report(node, new RuleError(`${longest} words; ${words} at most`, { padding: locator.at(index) }));
        }
      }
    },
  };
};
