"""Dagster's event log in one SQLite file whose connection stays open for the whole run.

Here: only how the file is opened and when it is written to; the tables and statements are Dagster's. A run of
this project stores some 900 events. Dagster's default opens, commits to disk and closes up to three
connections for each of them, while the run waits. Here a thread of its own stores them, many in a
transaction, while the run goes on.

The one trap: an event is stored a little after it happened. Whatever reads through this object waits for the
events before it; another process sees them a moment later, and a killed process or a power cut may cost the
last ones. It can cost neither the file nor anything of a release.
"""

import atexit
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy
from dagster import EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from watchdog.events import PatternMatchingEventHandler
from watchdog.observers import Observer

# Other processes that write wait for as long as these take: half a second.
_AT_ONCE_MAX = 200


class RunHistory(ConsolidatedSqliteEventLogStorage):
    """The event log of all runs; `dagster.yaml` names this class."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._one_at_a_time = threading.RLock()
        self._mine = _Mine()
        self._writer = _Writer(self._store)
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(
            f"sqlite:///{self.get_db_path()}", connect_args={"timeout": 30, "check_same_thread": False}
        )

        @sqlalchemy.event.listens_for(engine, "connect")
        def set_up(connection: Any, record: object) -> None:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")

        return engine

    def store_event(self, event: EventLogEntry) -> None:
        """Have the event stored soon, in its turn."""
        self._writer.put(event)

    def _store(self, events: list[EventLogEntry]) -> None:
        with self._connected() as connection:
            self._mine.transaction = connection
            try:
                for event in events:
                    super().store_event(event)
            finally:
                self._mine.transaction = None

    @contextmanager
    def _connect(self) -> Iterator[sqlalchemy.Connection]:
        if self._mine.transaction is not None:
            yield self._mine.transaction
            return
        # Who has a connection already has waited, and must not wait again while it keeps the lock.
        if not self._mine.connections:
            self._writer.finish()
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[sqlalchemy.Connection]:
        with self._one_at_a_time, self._engine.begin() as connection:
            self._mine.connections += 1
            try:
                yield connection
            finally:
                self._mine.connections -= 1

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table. Dagster asks at every check, and makes an engine to find out."""
        if table_name not in self._tables:
            if not super().has_table(table_name):
                return False
            self._tables.add(table_name)
        return True

    def watch(self, run_id: str, cursor: str | None, callback: Callable[..., Any]) -> None:
        """Call `callback` with the events of a run as they come: how the web interface follows a run."""
        if not self._obs:
            observer: Any = Observer()
            observer.schedule(_NewEvents(self), self._base_dir)
            observer.start()
            self._obs = observer
        self._watchers[run_id][callback] = cursor

    def dispose(self) -> None:
        """Store what there is to store, and close the file."""
        super().dispose()
        self._writer.finish()
        self._engine.dispose()


class _Mine(threading.local):
    """What a thread has open: how many connections, and the transaction that events are stored in."""

    connections = 0
    transaction: sqlalchemy.Connection | None = None


class _Writer:
    """Hands what is put into it to `store`, from one thread of its own, as much at once as there is."""

    def __init__(self, store: Callable[[list[EventLogEntry]], None]) -> None:
        self._store = store
        self._waiting: queue.Queue[EventLogEntry] = queue.Queue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def put(self, event: EventLogEntry) -> None:
        """Have the event stored. Raises what kept earlier ones from it."""
        self._raise()
        self._waiting.put(event)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="run history", daemon=True)
                self._thread.start()
                atexit.register(self._waiting.join)

    def finish(self) -> None:
        """Wait until all is stored. Raises what kept events from it."""
        self._waiting.join()
        self._raise()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _work(self) -> None:
        while True:
            events = [self._waiting.get()]
            while not self._waiting.empty() and len(events) < _AT_ONCE_MAX:
                events.append(self._waiting.get())
            try:
                self._store(events)
            except Exception as error:
                self._error = error
            for _ in events:
                self._waiting.task_done()


class _NewEvents(PatternMatchingEventHandler):
    """Looks into the log when the write-ahead log has grown; the file itself changes only now and then."""

    def __init__(self, history: RunHistory) -> None:
        path = history.get_db_path()
        super().__init__(patterns=[path, f"{path}-wal"])
        self._history = history

    def on_modified(self, event: object) -> None:
        self._history.on_modified()
