"""`python -m tests.chaos.soak`: an installation under load while everything in it breaks.

Clients submit, repeat, poll, cancel, retry and delete over HTTP; workers, web servers, Redis and
PostgreSQL are killed, frozen, emptied and stopped at moments that the seed decides.  Then the
faults stop, the queue drains, and everything is counted:

- each recording for which a client got a 202 ended, or that client deleted it;
- the rows keep every promise that `tests.chaos.machinery.promises` knows;
- each transcript is the one that the recording had before the first fault;
- no client saw progress fall, a finished text change or a repeated key make a second job;
- the memory of the web and of the worker is flat.

There are two lanes, each a web server and a worker over the same data.  Lane `a` is attacked to
the end.  Lane `b` is attacked in the first third only, and its processes live through the rest,
for memory that leaks is seen in processes that live: the medians of the second and of the last
third of the time are compared.  The second third's begins a while after its start, when a process
of a minute's age has made its pools, caches and threads.  Redis and PostgreSQL belong to both
lanes, so lane b meets each of their faults, and every job that lane a dropped.

Modules: `machinery` runs the processes, `fault_injector` breaks them, `clients` submit and
`client_log` is what they were told, `memory` watches, `run` is the whole from start to end.
"""
