"""The exchange of a course: ngshare's own handlers and database, with their defects closed from outside.

`python -m jupyterhub_courses.adapters.exchange_server` runs one (`server`); `provision` tells a running one
who is in the course. The door (`door`, `tokens`) decides who is asking before ngshare sees a request;
`handlers` and `database` hold what ngshare 0.6.0 needs to be safe. Nothing of ngshare is copied or changed
on disk.
"""
