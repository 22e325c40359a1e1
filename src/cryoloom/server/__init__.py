"""The HTTP API and the page: what `api` answers, given to whoever is signed in. One module a resource; none computes."""
