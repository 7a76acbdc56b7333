"""Files a ticket whose title depends on the order of a set, which is another one with another hash seed."""

import json
import urllib.request

title = " ".join({"login", "is", "down", "again"})
body = json.dumps({"title": title, "priority": 2}).encode()
request = urllib.request.Request("http://ticketing/create", body, {"content-type": "application/json"})
print(urllib.request.urlopen(request).read().decode())
