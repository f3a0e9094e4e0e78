"""Users under load, for locust: one file for each kind of traffic, and a history of all requests.

    locust -f locustfiles/cms.py --headless --host http://lb.example.com:8000 --users 20 -t 60s

Only this package imports locust, which patches the standard library: it runs in a process of its
own, and of the harness it uses what is pure.
"""
