"""An HTTP proxy before a Chroma server that passes bytes on as they are, but for chosen requests.

client <--> connection <--> server     one connection to the server for each of a client's
                |
              rules                    which requests meet what; set through the control port

It runs as a process of its own: `python -m harness.http_proxy`.
"""
