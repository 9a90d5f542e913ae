# A Digest library of Ruby against a module: ruby digest.rb LIBRARY URL USER PASSWORD
# Reads parameters, sets an output, reads ports; prints the statuses and the last body as JSON.

require "json"
require "net/http"
require "openssl"
require "uri"

LIBRARY, BASE, USER, PASSWORD = ARGV
TYPE = { "Content-Type" => "application/json" }.freeze
PORTS = "/axis-cgi/io/portmanagement.cgi".freeze
SET = { ports: [{ port: "4", state: "closed" }] }.freeze

def call(method, params)
  JSON.generate(apiVersion: "1.0", context: "c", method: method, params: params)
end

CALLS = [
  ["GET", "/axis-cgi/param.cgi?action=list&group=Brand", nil],
  ["POST", PORTS, call("setPorts", SET)],
  ["POST", PORTS, call("getPorts", {})],
].freeze

def httparty
  require "httparty"
  lambda do |method, url, body|
    options = { digest_auth: { username: USER, password: PASSWORD }, verify: false, format: :plain }
    options.update(body: body, headers: TYPE) if body
    answer = HTTParty.public_send(method.downcase, url, options)
    [answer.code, answer.body]
  end
end

def httpclient
  require "httpclient"
  client = HTTPClient.new
  client.ssl_config.verify_mode = OpenSSL::SSL::VERIFY_NONE
  client.set_auth(BASE, USER, PASSWORD)
  lambda do |method, url, body|
    answer = client.request(method, url, nil, body, body ? TYPE : {})
    [answer.status, answer.body]
  end
end

def curb
  require "curb"
  lambda do |method, url, body|
    easy = Curl::Easy.new(url)
    easy.http_auth_types = :digest
    easy.username = USER
    easy.password = PASSWORD
    easy.ssl_verify_peer = false
    easy.ssl_verify_host = false
    easy.headers = TYPE if body
    body ? easy.http_post(body) : easy.http_get
    [easy.response_code, easy.body_str]
  end
end

def mechanize
  require "mechanize"
  agent = Mechanize.new
  agent.verify_mode = OpenSSL::SSL::VERIFY_NONE
  agent.add_auth(BASE, USER, PASSWORD)
  lambda do |method, url, body|
    page = method == "GET" ? agent.get(url) : agent.post(url, body, TYPE)
    [page.code.to_i, page.body]
  end
end

# It only makes the header; the requests are Ruby's own.
def net_http_digest_auth
  require "net/http/digest_auth"
  digest = Net::HTTP::DigestAuth.new
  lambda do |method, url, body|
    uri = URI(url)
    uri.user = USER
    uri.password = PASSWORD
    http = Net::HTTP.new(uri.host, uri.port)
    http.use_ssl = uri.scheme == "https"
    http.verify_mode = OpenSSL::SSL::VERIFY_NONE
    kind = Net::HTTP.const_get(method.capitalize)
    ask = lambda do |headers|
      request = kind.new(uri.request_uri, body ? TYPE.merge(headers) : headers)
      request.body = body
      http.request(request)
    end
    first = ask.call({})
    header = digest.auth_header(uri, first["www-authenticate"], method)
    answer = ask.call("Authorization" => header)
    [answer.code.to_i, answer.body]
  end
end

asked = method(LIBRARY).call
statuses = []
last = ""
CALLS.each do |verb, path, body|
  status, last = asked.call(verb, BASE + path, body)
  statuses << status
rescue StandardError => e
  statuses << e.to_s
end
puts JSON.generate(statuses: statuses, last: last)
