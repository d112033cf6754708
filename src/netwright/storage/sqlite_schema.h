// The tables of the SQLite storage. A change of them raises schema_version in sqlite.cpp.
#pragma once

namespace netwright {

inline constexpr const char* sqlite_schema = R"(
  CREATE TABLE studies (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    seed INTEGER NOT NULL,             -- unsigned 64 bits, stored as signed
    experiment TEXT NOT NULL,          -- YAML
    created REAL NOT NULL,             -- Unix seconds
    elapsed REAL NOT NULL,             -- seconds of running
    notes TEXT NOT NULL                -- JSON
  ) STRICT;
  CREATE TABLE trials (
    study INTEGER NOT NULL REFERENCES studies (id),
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    purpose TEXT NOT NULL,
    configuration TEXT NOT NULL,       -- JSON
    network_hash TEXT NOT NULL,
    seed INTEGER NOT NULL,             -- unsigned 64 bits, stored as signed
    target_fidelity REAL NOT NULL,
    fidelity REAL NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    checkpoint TEXT NOT NULL,
    copied_from INTEGER NOT NULL,      -- a trial's id, or 0
    source INTEGER NOT NULL,           -- a trial's id, or 0
    attempts INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    started REAL NOT NULL,
    finished REAL NOT NULL,
    UNIQUE (study, id)
  ) STRICT;
  CREATE TABLE events (
    study INTEGER NOT NULL REFERENCES studies (id),
    place INTEGER NOT NULL,            -- 1, 2, … in a study
    kind TEXT NOT NULL,
    trial INTEGER NOT NULL,            -- its id, or 0
    fidelity REAL NOT NULL,            -- that it had then
    time REAL NOT NULL,                -- seconds since the study began, on its own clock
    worker INTEGER NOT NULL,           -- that had the trial until then, or -1
    PRIMARY KEY (study, place)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE measurements (
    study INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    place INTEGER NOT NULL,            -- 0, 1, … in a trial
    fidelity REAL NOT NULL,
    seconds REAL NOT NULL,
    metrics TEXT NOT NULL,             -- JSON
    details TEXT NOT NULL DEFAULT '',  -- JSON; empty: none
    PRIMARY KEY (study, trial, place)
  ) STRICT, WITHOUT ROWID;
)";

}  // namespace netwright
