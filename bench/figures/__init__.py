"""The figures, in the order of the table: functions that take the server and the table."""

from .calls import connections, first, instructions, latency, loading, size, threads
from .hosts import cached, go, sql
from .lists import decode, events, flat, members, memory
from .streams import far, stream

FIGURES = [latency, members, events, far, first, instructions, threads, memory, decode, flat, stream, cached, go, sql, size, loading, connections]
