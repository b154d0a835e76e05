-- The whole schema of a Hale database, version 5. The program applies exactly this file to an
-- empty database, and brings older ones to it (Migrations.swift).
--
-- Times are integers: milliseconds (suffix-less: created, started, earliest, latest), minutes,
-- 10-minute steps, hours or days since 1970-01-01T00:00:00Z, as the column is called.
--
-- What is small and changed by people comes first (the catalog), then what sessions write.

-- Single values of the database itself.
CREATE TABLE setting (
  name TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE organization (
  id INTEGER PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE project (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL REFERENCES organization (id),
  slug TEXT NOT NULL,
  platform TEXT,
  created INTEGER NOT NULL,
  UNIQUE (organization, slug)
) STRICT;

-- The public keys of DSNs.
CREATE TABLE project_key (
  public_key TEXT NOT NULL PRIMARY KEY CHECK (length(public_key) = 32),
  project INTEGER NOT NULL REFERENCES project (id),
  created INTEGER NOT NULL,
  revoked INTEGER
) STRICT, WITHOUT ROWID;

-- API tokens: only their digest (SHA-256) is kept.
CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('read', 'admin')),
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  created INTEGER NOT NULL,
  revoked INTEGER,
  UNIQUE (organization, name)
) STRICT;

-- What a project is to reach.
CREATE TABLE objective (
  project INTEGER PRIMARY KEY REFERENCES project (id),
  measure TEXT NOT NULL CHECK (measure IN ('crash_free_sessions', 'crash_free_users')),
  -- The share that is to be crash-free, in millionths.
  target INTEGER NOT NULL CHECK (target > 0 AND target < 1000000),
  -- Over so many days, up to now.
  days INTEGER NOT NULL CHECK (days BETWEEN 1 AND 90),
  created INTEGER NOT NULL
) STRICT;

-- The last run of each periodic job.
CREATE TABLE job (
  name TEXT NOT NULL PRIMARY KEY,
  started INTEGER NOT NULL,
  duration_milliseconds INTEGER NOT NULL,
  summary TEXT NOT NULL,
  succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Releases belong to an organization, as in Sentry.
CREATE TABLE release (
  id INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL REFERENCES organization (id),
  version TEXT NOT NULL,
  -- When it was created over the API, or first seen in a session.
  created INTEGER NOT NULL,
  -- When it was finalized; absent before.
  released INTEGER,
  -- The commit, and a page about the release, as its creator told them.
  ref TEXT,
  url TEXT,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'archived')),
  UNIQUE (organization, version)
) STRICT;

-- The projects of a release as its creator told them; those that sessions tell are in `scope`.
CREATE TABLE release_project (
  release INTEGER NOT NULL REFERENCES release (id),
  project INTEGER NOT NULL REFERENCES project (id),
  PRIMARY KEY (release, project)
) STRICT, WITHOUT ROWID;

-- Environment 0, with the empty name, stands for sessions that named none.
CREATE TABLE environment (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO environment (id, name) VALUES (0, '');

-- Where notices go: a web address, a chat, mailboxes, a program.
CREATE TABLE notice_channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'discord', 'email', 'command')),
  -- What the kind needs, as JSON.
  settings TEXT NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (organization, name)
) STRICT;

-- Notices with what became of them: those of which `next_attempt` is present wait for delivery.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL REFERENCES notice_channel (id),
  -- Of the change that it tells of: a receiver that gets it twice can tell by it.
  key TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('critical', 'warning', 'resolved', 'test')),
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  web_url TEXT,
  -- What it is about, as JSON: `metric_alert` of Sentry's webhook.
  subject TEXT NOT NULL,
  created INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt INTEGER,
  delivered INTEGER,
  -- Why the last attempt failed.
  failure TEXT,
  UNIQUE (channel, key)
) STRICT;

CREATE INDEX notice_due ON notice (next_attempt) WHERE next_attempt IS NOT NULL;
-- A channel gets its notices in their order.
CREATE INDEX notice_waiting ON notice (channel, id) WHERE next_attempt IS NOT NULL;

-- Alert rules: what they ask, as people said it, and then what the last evaluation left.
CREATE TABLE alert_rule (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  -- 1 where the operators' file says it.
  declared INTEGER NOT NULL CHECK (declared IN (0, 1)),
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  -- Since when it asks for the same value.
  asked INTEGER NOT NULL,
  muted_until INTEGER,
  -- A field of the sessions API.
  measure TEXT NOT NULL,
  -- Absent for all; empty for sessions without one.
  environment TEXT,
  -- A name, a pattern or `latest`; absent for all.
  release TEXT,
  window_minutes INTEGER NOT NULL CHECK (window_minutes > 0),
  comparison TEXT CHECK (comparison IN ('previousRelease', 'previousWeek')),
  above INTEGER NOT NULL CHECK (above IN (0, 1)),
  critical REAL NOT NULL,
  warning REAL,
  resolve REAL,
  sessions_min INTEGER NOT NULL,
  period INTEGER NOT NULL CHECK (period > 0),
  -- 0 ok, 1 warning, 2 critical.
  level INTEGER NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 2),
  -- The last evaluations in a row by which it should be at least warning, critical, at most
  -- warning, ok.
  alarming_run INTEGER NOT NULL DEFAULT 0,
  critical_run INTEGER NOT NULL DEFAULT 0,
  eased_run INTEGER NOT NULL DEFAULT 0,
  resolved_run INTEGER NOT NULL DEFAULT 0,
  evaluated INTEGER,
  value REAL,
  sessions INTEGER,
  -- The one that is open.
  incident INTEGER,
  UNIQUE (organization, name)
) STRICT;

CREATE TABLE alert_rule_project (
  rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
  project INTEGER NOT NULL REFERENCES project (id),
  PRIMARY KEY (rule, project)
) STRICT, WITHOUT ROWID;

-- Who is told, by the names of channels: one that is made anew is found again.
CREATE TABLE alert_rule_channel (
  rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
  -- 0 for the levels that have none of their own.
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (rule, level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_incident (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
  opened INTEGER NOT NULL,
  closed INTEGER,
  -- Sentry's numbers: 2 closed, 10 warning, 20 critical.
  status INTEGER NOT NULL CHECK (status IN (2, 10, 20)),
  -- The levels that it had: 1 warning, 2 critical, 3 both.
  reached INTEGER NOT NULL CHECK (reached BETWEEN 1 AND 3),
  transitions INTEGER NOT NULL,
  -- At the last transition.
  value REAL
) STRICT;

CREATE INDEX alert_incident_rule ON alert_incident (rule);

-- Changes of a rule's level of which channels are to be notified, each until its notifications stand in
-- `notice` (a transactional outbox).
CREATE TABLE alert_transition (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The rule as it was: it may have changed, or be gone.
  rule INTEGER NOT NULL,
  organization INTEGER NOT NULL,
  name TEXT NOT NULL,
  rule_created INTEGER NOT NULL,
  rule_modified INTEGER NOT NULL,
  measure TEXT NOT NULL,
  environment TEXT,
  release TEXT,
  window_minutes INTEGER NOT NULL,
  comparison TEXT,
  above INTEGER NOT NULL,
  critical REAL NOT NULL,
  warning REAL,
  resolve REAL,
  sessions_min INTEGER NOT NULL,
  period INTEGER NOT NULL,
  -- Numbers, with a blank between them.
  projects TEXT NOT NULL,
  -- The level before: 0 ok, 1 warning, 2 critical.
  before INTEGER NOT NULL CHECK (before BETWEEN 0 AND 2),
  -- The incident behind the change, as in `alert_incident`.
  incident INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  closed INTEGER,
  status INTEGER NOT NULL CHECK (status IN (2, 10, 20)),
  reached INTEGER NOT NULL CHECK (reached BETWEEN 1 AND 3),
  transitions INTEGER NOT NULL,
  -- The evaluation: when it was, and what it found.
  time INTEGER NOT NULL,
  value REAL,
  sessions INTEGER NOT NULL,
  -- The release that was looked at, and the one that it was compared with.
  observed_release TEXT,
  base_release TEXT,
  -- Why the incident ended without an evaluation.
  ending TEXT CHECK (ending IN ('rule_changed', 'rule_deleted')),
  -- Numbers of the channels of the levels in question, with a blank between them.
  channels TEXT NOT NULL
) STRICT;

-- What each evaluation found. Rows outlive their rule until they are dropped.
CREATE TABLE alert_evaluation (
  rule INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  -- Absent without data, or with too little.
  value REAL,
  sessions INTEGER NOT NULL,
  level INTEGER NOT NULL,
  PRIMARY KEY (rule, minute)
) STRICT, WITHOUT ROWID;

-- Where a session counts: a project, a release and an environment, as one small number. A number is
-- never given again: states and minutes of a release that was deleted may outlive it for days.
CREATE TABLE scope (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL REFERENCES project (id),
  release INTEGER NOT NULL REFERENCES release (id),
  environment INTEGER NOT NULL REFERENCES environment (id),
  -- When the first session of it arrived.
  created INTEGER NOT NULL,
  UNIQUE (project, release, environment)
) STRICT;

CREATE INDEX scope_release ON scope (release);

-- When a scope was adopted (a tenth or more of its project's and environment's sessions in six
-- hours), and when it was no more. Scopes without a row never were.
CREATE TABLE adoption (
  scope INTEGER NOT NULL PRIMARY KEY REFERENCES scope (id),
  adopted INTEGER NOT NULL,
  unadopted INTEGER
) STRICT, WITHOUT ROWID;

-- What is remembered of a session while updates of it can still be accepted. The key leads with
-- time: neighbours in time are neighbours on disk.
CREATE TABLE session (
  -- The start as the SDK sent it, in milliseconds; part of the session's identity.
  started INTEGER NOT NULL,
  sid BLOB NOT NULL CHECK (length(sid) = 16),
  scope INTEGER NOT NULL,
  -- Severity 0 to 4, plus 8 times the hang mechanism 0 to 2, plus 32 when it has exited, plus 64
  -- when an update said that it was the first.
  flags INTEGER NOT NULL CHECK (flags BETWEEN 0 AND 127),
  -- The longest duration of any update, in milliseconds.
  duration INTEGER,
  -- The users that the updates named: 4 bytes each, little-endian, ascending.
  users BLOB,
  -- The earliest corrected start, which decides the bucket; absent while it is `started`.
  earliest INTEGER,
  -- The latest corrected start, which decides how long the state is kept; absent while both are
  -- `started`, so that the indexes below hold drifted sessions alone.
  latest INTEGER,
  PRIMARY KEY (started, sid, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_drifted_latest ON session (latest) WHERE latest IS NOT NULL;
CREATE INDEX session_drifted_earliest ON session (earliest) WHERE latest IS NOT NULL;

-- Batches that are stored and answered, but whose updates are not folded into what follows yet: the
-- service folds some thousands at a time, in the order of the sessions' keys, and before anybody
-- reads. Those numbered up to the setting `folded_batches` are done; their slots are written again.
CREATE TABLE pending (
  slot INTEGER PRIMARY KEY,
  -- A batch, or a part of it, packed (PendingSlot); all of the same length.
  content BLOB NOT NULL
) STRICT;

-- Sessions by severity for each hour of a day, packed (CountGrid: 24 slots of five counts).
CREATE TABLE session_day (
  day INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  -- From sessions whose states are, or were, in `session`.
  identified BLOB NOT NULL,
  -- From aggregates and items without a session id.
  anonymous BLOB NOT NULL,
  PRIMARY KEY (day, scope)
) STRICT, WITHOUT ROWID;

-- Finds the days of one release.
CREATE INDEX session_day_scope ON session_day (scope, day);

-- The same for each minute of an hour (60 slots), for the last days only.
CREATE TABLE session_minute (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  identified BLOB NOT NULL,
  anonymous BLOB NOT NULL,
  PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

-- Users as small numbers. The hash is 128 bits of a keyed hash of what the SDK sent. A user who was
-- not seen for longer than any set is kept is forgotten, and gets a new number on return.
CREATE TABLE user (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 16),
  id INTEGER NOT NULL,
  -- The last day on which an update that names the user arrived.
  seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How many sessions of each kind each user has in a minute, as changes that add up over the parts of
-- the minute. The rows live as long as a session of their hour can still change; then the sets below
-- stand for them.
CREATE TABLE user_minute (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  -- Minute of the hour.
  minute INTEGER NOT NULL,
  -- From 0 on; the last one grows.
  part INTEGER NOT NULL,
  -- Packed (UserChanges): kind 0 to 4 is a session of that severity, 5 one that hung in the
  -- background, 6 in the foreground.
  changes BLOB NOT NULL,
  PRIMARY KEY (hour, scope, minute, part)
) STRICT, WITHOUT ROWID;

-- Hours whose users are to be read from user_minute: those still open, and closed ones that a
-- late update reached until their sets are built again.
CREATE TABLE user_hour_open (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

-- Days without a set of their own: their users are to be read by the hour.
CREATE TABLE user_day_open (
  day INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  PRIMARY KEY (day, scope)
) STRICT, WITHOUT ROWID;

-- Distinct users of an hour by kind, as compressed sets (UserSets: roaring bitmaps).
CREATE TABLE user_hour (
  scope INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  sets BLOB NOT NULL,
  -- 1 once rows of the hour were dropped: the sets cannot be built again and are only added to.
  final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1)),
  PRIMARY KEY (scope, hour)
) STRICT, WITHOUT ROWID;

-- The same for a whole day: the unions of its hours.
CREATE TABLE user_day (
  scope INTEGER NOT NULL,
  day INTEGER NOT NULL,
  sets BLOB NOT NULL,
  PRIMARY KEY (scope, day)
) STRICT, WITHOUT ROWID;

-- The same of all releases in an environment of a project, so that a question about them reads one
-- set a day: the union of the sets of its scopes, whose days are all closed.
CREATE TABLE user_environment_day (
  project INTEGER NOT NULL,
  environment INTEGER NOT NULL,
  day INTEGER NOT NULL,
  -- Absent while the union is to be built: what a scope has of the day has changed.
  sets BLOB,
  PRIMARY KEY (project, environment, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_environment_day_unbuilt ON user_environment_day (day) WHERE sets IS NULL;

-- The union is let go of when the day of a scope opens, since nobody builds it before all are
-- closed, and when the sets of a day are dropped. (An OR clause of the statement that fires a trigger
-- stands for those within: nothing here depends on it.)
CREATE TRIGGER user_day_open_inserted AFTER INSERT ON user_day_open BEGIN
  UPDATE user_environment_day SET sets = NULL
    WHERE day = NEW.day AND (project, environment) = (
      SELECT project, environment FROM scope WHERE id = NEW.scope);
  INSERT OR IGNORE INTO user_environment_day (project, environment, day, sets)
    SELECT project, environment, NEW.day, NULL FROM scope WHERE id = NEW.scope;
END;

CREATE TRIGGER user_day_deleted AFTER DELETE ON user_day BEGIN
  UPDATE user_environment_day SET sets = NULL
    WHERE day = OLD.day AND (project, environment) = (
      SELECT project, environment FROM scope WHERE id = OLD.scope);
  INSERT OR IGNORE INTO user_environment_day (project, environment, day, sets)
    SELECT project, environment, OLD.day, NULL FROM scope WHERE id = OLD.scope;
END;

-- Durations of sessions that exited, as a log-linear histogram (DurationHistogram).
CREATE TABLE duration_hour (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  histogram BLOB NOT NULL,
  -- Sum of the durations, in milliseconds.
  total INTEGER NOT NULL,
  PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

-- How the counts of a start hour changed, by the 10-minute step in which the change arrived. A
-- late crash is one healthy session less and one crashed session more. For explanations of counts,
-- which go back as far as it is kept: 30 days.
CREATE TABLE arrival (
  step INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  healthy INTEGER NOT NULL,
  errored INTEGER NOT NULL,
  unhandled INTEGER NOT NULL,
  abnormal INTEGER NOT NULL,
  crashed INTEGER NOT NULL,
  -- Of these, from aggregates and items without a session id.
  anonymous_healthy INTEGER NOT NULL DEFAULT 0,
  anonymous_errored INTEGER NOT NULL DEFAULT 0,
  anonymous_unhandled INTEGER NOT NULL DEFAULT 0,
  anonymous_abnormal INTEGER NOT NULL DEFAULT 0,
  anonymous_crashed INTEGER NOT NULL DEFAULT 0,
  -- Updates of sessions of the hour that arrived then and changed nothing.
  repeated INTEGER NOT NULL DEFAULT 0,
  -- How the number of sessions changed of which no update said that it was the first.
  without_initial INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (step, scope, hour)
) STRICT, WITHOUT ROWID;

-- What became of the items that were received, by the hour of their arrival.
CREATE TABLE outcome (
  hour INTEGER NOT NULL,
  project INTEGER NOT NULL,
  name TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  PRIMARY KEY (hour, project, name)
) STRICT, WITHOUT ROWID;
