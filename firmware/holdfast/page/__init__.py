"""The page as it is sent, compressed and in pieces. Made by tools/page.py."""
