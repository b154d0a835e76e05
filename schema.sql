-- The schema of a Hale database, version 9. The program applies exactly this file to an empty
-- database, and migrates older ones to it (Migrations.swift).
--
-- Times are integers. Columns without a unit (created, started, finished, earliest, latest) are in
-- milliseconds since 1970-01-01T00:00:00Z; others are in minutes, 10-minute steps, hours or days,
-- as the name says.
--
-- The catalog comes first, which is small and which people change; then the tables that sessions
-- fill.

-- Single values of the database.
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
  -- The statuses that make a session bad; NULL for the default of the platform.
  bad TEXT CHECK (bad IN ('crashed', 'crashed+unhandled')),
  -- Quotas; NULL for none.
  sessions_per_minute INTEGER CHECK (sessions_per_minute > 0),
  sessions_per_day INTEGER CHECK (sessions_per_day > 0),
  requests_per_minute INTEGER CHECK (requests_per_minute > 0),
  UNIQUE (organization, slug)
) STRICT;

-- The public keys of DSNs.
CREATE TABLE project_key (
  public_key TEXT NOT NULL PRIMARY KEY CHECK (length(public_key) = 32),
  project INTEGER NOT NULL REFERENCES project (id),
  created INTEGER NOT NULL,
  revoked INTEGER,
  -- Quotas beside those of the project; NULL for none.
  sessions_per_minute INTEGER CHECK (sessions_per_minute > 0),
  sessions_per_day INTEGER CHECK (sessions_per_day > 0),
  requests_per_minute INTEGER CHECK (requests_per_minute > 0)
) STRICT, WITHOUT ROWID;

-- The new sessions that were counted of projects and keys with quotas, in the minute and in the UTC
-- day in which the last one arrived.
CREATE TABLE session_use (
  project INTEGER NOT NULL REFERENCES project (id),
  -- Empty for the quotas of the project.
  public_key TEXT NOT NULL,
  -- Minutes since 1970, and the sessions in it.
  minute INTEGER NOT NULL,
  minute_sessions INTEGER NOT NULL,
  -- Days since 1970, and the sessions in it.
  day INTEGER NOT NULL,
  day_sessions INTEGER NOT NULL,
  PRIMARY KEY (project, public_key)
) STRICT, WITHOUT ROWID;

-- API tokens; only their SHA-256 digest is stored.
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

-- Objectives (SLOs) of projects.
CREATE TABLE objective (
  project INTEGER PRIMARY KEY REFERENCES project (id),
  measure TEXT NOT NULL CHECK (measure IN ('crash_free_sessions', 'crash_free_users')),
  -- The crash-free share to reach, in millionths.
  target INTEGER NOT NULL CHECK (target > 0 AND target < 1000000),
  -- The length of the window that ends now, in days.
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
  -- When the release was created over the API, or first seen in a session.
  created INTEGER NOT NULL,
  -- When the release was finalized; NULL before.
  released INTEGER,
  -- The commit and a web page, as set by the release's creator.
  ref TEXT,
  url TEXT,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'archived')),
  UNIQUE (organization, version)
) STRICT;

-- The projects of a release as set by its creator; `scope` has the projects that report it.
CREATE TABLE release_project (
  release INTEGER NOT NULL REFERENCES release (id),
  project INTEGER NOT NULL REFERENCES project (id),
  PRIMARY KEY (release, project)
) STRICT, WITHOUT ROWID;

-- Environment 0 has an empty name and stands for sessions without an environment.
CREATE TABLE environment (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO environment (id, name) VALUES (0, '');

-- Deploys of releases to environments, as release tools report them.
CREATE TABLE deploy (
  -- Ascending in the order of the reports, whatever their dates are.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  release INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
  environment INTEGER NOT NULL REFERENCES environment (id),
  name TEXT,
  url TEXT,
  started INTEGER,
  finished INTEGER NOT NULL
) STRICT;

CREATE INDEX deploy_release ON deploy (release, environment);

-- The projects that a deploy is of.
CREATE TABLE deploy_project (
  deploy INTEGER NOT NULL REFERENCES deploy (id) ON DELETE CASCADE,
  project INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  PRIMARY KEY (deploy, project)
) STRICT, WITHOUT ROWID;

-- A deploy goes with the last of its projects.
CREATE TRIGGER deploy_project_deleted AFTER DELETE ON deploy_project BEGIN
  DELETE FROM deploy WHERE id = OLD.deploy
    AND NOT EXISTS (SELECT 1 FROM deploy_project WHERE deploy = OLD.deploy);
END;

-- Notification channels: webhooks, chats, mailboxes, programs.
CREATE TABLE notice_channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'discord', 'email', 'command')),
  -- The settings of the kind, as JSON.
  settings TEXT NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (organization, name)
) STRICT;

-- Notifications with their outcome. Those with a `next_attempt` wait for delivery.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL REFERENCES notice_channel (id),
  -- Identifies the change that the notification reports, so that a receiver can drop duplicates.
  key TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('critical', 'warning', 'resolved', 'test')),
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  web_url TEXT,
  -- The alert as JSON, `metric_alert` of Sentry's webhook.
  subject TEXT NOT NULL,
  created INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt INTEGER,
  delivered INTEGER,
  -- The error of the last attempt.
  failure TEXT,
  UNIQUE (channel, key)
) STRICT;

CREATE INDEX notice_due ON notice (next_attempt) WHERE next_attempt IS NOT NULL;
-- A channel delivers its notifications in order.
CREATE INDEX notice_waiting ON notice (channel, id) WHERE next_attempt IS NOT NULL;

-- Alert rules: first the settings, then the result of the last evaluation.
CREATE TABLE alert_rule (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  -- 1 when the alert rules file declares the rule.
  declared INTEGER NOT NULL CHECK (declared IN (0, 1)),
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  -- When the value that the rule queries last changed; older evaluations are of another value.
  asked INTEGER NOT NULL,
  muted_until INTEGER,
  -- A field of the sessions API.
  measure TEXT NOT NULL,
  -- NULL for all environments; empty for sessions without one.
  environment TEXT,
  -- A version, a pattern or `latest`; NULL for all releases.
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
  -- The number of last evaluations in a row that were at least warning, critical, at most warning,
  -- ok.
  alarming_run INTEGER NOT NULL DEFAULT 0,
  critical_run INTEGER NOT NULL DEFAULT 0,
  eased_run INTEGER NOT NULL DEFAULT 0,
  resolved_run INTEGER NOT NULL DEFAULT 0,
  evaluated INTEGER,
  value REAL,
  sessions INTEGER,
  -- The open incident.
  incident INTEGER,
  -- The release that was looked at, of a rule about one.
  observed_release TEXT,
  UNIQUE (organization, name)
) STRICT;

CREATE TABLE alert_rule_project (
  rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
  project INTEGER NOT NULL REFERENCES project (id),
  PRIMARY KEY (rule, project)
) STRICT, WITHOUT ROWID;

-- The channels that a rule notifies, by name, so that a channel that is created again is found.
CREATE TABLE alert_rule_channel (
  rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
  -- 0 for the levels without channels of their own.
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
  -- Sentry's values: 2 closed, 10 warning, 20 critical.
  status INTEGER NOT NULL CHECK (status IN (2, 10, 20)),
  -- The levels that the incident reached: 1 warning, 2 critical, 3 both.
  reached INTEGER NOT NULL CHECK (reached BETWEEN 1 AND 3),
  transitions INTEGER NOT NULL,
  -- The value at the last transition.
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
  -- Numbers of the channels of the levels concerned, with a blank between them.
  channels TEXT NOT NULL
) STRICT;

-- The result of each evaluation. Rows of a deleted rule stay until housekeeping drops them.
CREATE TABLE alert_evaluation (
  rule INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  -- NULL without data, or with too few sessions.
  value REAL,
  sessions INTEGER NOT NULL,
  level INTEGER NOT NULL,
  PRIMARY KEY (rule, minute)
) STRICT, WITHOUT ROWID;

-- Series: a project, a release and an environment, as one small id. An id is never reused, since
-- states and minutes of a deleted release may outlive it for days.
CREATE TABLE scope (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL REFERENCES project (id),
  release INTEGER NOT NULL REFERENCES release (id),
  environment INTEGER NOT NULL REFERENCES environment (id),
  -- When the first session of the series arrived.
  created INTEGER NOT NULL,
  UNIQUE (project, release, environment)
) STRICT;

CREATE INDEX scope_release ON scope (release);

-- When a series was adopted (it had a tenth or more of the sessions of its project and environment
-- in six hours), and when it stopped being so. A series without a row was never adopted.
CREATE TABLE adoption (
  scope INTEGER NOT NULL PRIMARY KEY REFERENCES scope (id),
  adopted INTEGER NOT NULL,
  unadopted INTEGER
) STRICT, WITHOUT ROWID;

-- The states of sessions whose updates can still be accepted. Time leads the key, so that sessions
-- close in time are close on disk.
CREATE TABLE session (
  -- The start as the SDK sent it, in milliseconds; it is part of the session's identity.
  started INTEGER NOT NULL,
  sid BLOB NOT NULL CHECK (length(sid) = 16),
  scope INTEGER NOT NULL,
  -- Severity 0 to 4, plus 8 times the abnormal mechanism 0 to 2, plus 32 when the session has
  -- exited, plus 64 when an update was the initial one.
  flags INTEGER NOT NULL CHECK (flags BETWEEN 0 AND 127),
  -- The longest duration of any update, in milliseconds.
  duration INTEGER,
  -- The users of the updates: 4 bytes each, little-endian, ascending.
  users BLOB,
  -- The earliest corrected start, which decides the bucket; NULL when it is `started`.
  earliest INTEGER,
  -- The latest corrected start, which decides how long the state is kept; NULL when both are
  -- `started`, so that the indexes below have drifted sessions only.
  latest INTEGER,
  PRIMARY KEY (started, sid, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_drifted_latest ON session (latest) WHERE latest IS NOT NULL;
CREATE INDEX session_drifted_earliest ON session (earliest) WHERE latest IS NOT NULL;

-- Batches that are durable and acknowledged, but not folded yet: the service folds some thousands
-- of updates at a time, in the order of the sessions' keys, and before a query. Batches up to the
-- number in the setting `folded_batches` are done; their slots are reused.
CREATE TABLE pending (
  slot INTEGER PRIMARY KEY,
  -- A batch or a part of it, packed (PendingSlot); all rows have the same length.
  content BLOB NOT NULL
) STRICT;

-- Sessions by severity for each hour of a day, packed (CountGrid: 24 slots of five counts).
CREATE TABLE session_day (
  day INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  -- Sessions with an id; each has, or had, a row in `session`.
  identified BLOB NOT NULL,
  -- Session aggregates, and items without a session id.
  anonymous BLOB NOT NULL,
  PRIMARY KEY (day, scope)
) STRICT, WITHOUT ROWID;

-- The days of one release.
CREATE INDEX session_day_scope ON session_day (scope, day);

-- Sessions by severity for each minute of an hour (60 slots), for the last days only.
CREATE TABLE session_minute (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  identified BLOB NOT NULL,
  anonymous BLOB NOT NULL,
  PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

-- Ids of users. The hash is 128 bits of a keyed hash of the id that the SDK sent. A user who is not
-- seen for longer than any set is kept is deleted, and gets a new id on return.
CREATE TABLE user (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 16),
  id INTEGER NOT NULL,
  -- The last day on which an update of the user arrived.
  seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The hashes of the users of a session that has too many.
CREATE INDEX user_id ON user (id);

-- The number of sessions of each kind that each user has in a minute, as changes that add up over
-- the parts of the minute. Rows are kept while a session of their hour can still change; then the
-- sets below replace them.
CREATE TABLE user_minute (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  -- The minute of the hour.
  minute INTEGER NOT NULL,
  -- Numbered from 0; only the last part grows.
  part INTEGER NOT NULL,
  -- Packed (UserChanges): kinds 0 to 4 are sessions of that severity; 5 and 6 are hangs (the
  -- abnormal mechanism) in the background and in the foreground.
  changes BLOB NOT NULL,
  PRIMARY KEY (hour, scope, minute, part)
) STRICT, WITHOUT ROWID;

-- Hours whose users are read from `user_minute`: open hours, and closed ones that a late update
-- changed, until their sets are built again.
CREATE TABLE user_hour_open (
  hour INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

-- Days without a set; their users are read by hour.
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
  -- 1 once rows of the hour were dropped: the sets cannot be rebuilt, only extended.
  final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1)),
  PRIMARY KEY (scope, hour)
) STRICT, WITHOUT ROWID;

-- Distinct users of a day: the unions of its hours.
CREATE TABLE user_day (
  scope INTEGER NOT NULL,
  day INTEGER NOT NULL,
  sets BLOB NOT NULL,
  PRIMARY KEY (scope, day)
) STRICT, WITHOUT ROWID;

-- Distinct users of a day over all releases in an environment of a project, so that a query over
-- all of them reads one set per day: the union of the sets of its series, whose days are all
-- closed.
CREATE TABLE user_environment_day (
  project INTEGER NOT NULL,
  environment INTEGER NOT NULL,
  day INTEGER NOT NULL,
  -- NULL while the union is to be built, because the day of a series changed.
  sets BLOB,
  PRIMARY KEY (project, environment, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_environment_day_unbuilt ON user_environment_day (day) WHERE sets IS NULL;

-- The union is cleared when the day of a series opens, since it is built only when all are closed,
-- and when the sets of a day are dropped. (An OR clause of the statement that fires a trigger
-- overrides those within; nothing here depends on that.)
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
  -- The sum of the durations, in milliseconds.
  total INTEGER NOT NULL,
  PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

-- The arrival log: changes of the counts of a start hour, by the 10-minute step in which they
-- arrived. A late crash is one healthy session less and one crashed session more. It explains
-- counts; its retention is 30 days.
CREATE TABLE arrival (
  step INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  healthy INTEGER NOT NULL,
  errored INTEGER NOT NULL,
  unhandled INTEGER NOT NULL,
  abnormal INTEGER NOT NULL,
  crashed INTEGER NOT NULL,
  -- The part from session aggregates and items without a session id.
  anonymous_healthy INTEGER NOT NULL DEFAULT 0,
  anonymous_errored INTEGER NOT NULL DEFAULT 0,
  anonymous_unhandled INTEGER NOT NULL DEFAULT 0,
  anonymous_abnormal INTEGER NOT NULL DEFAULT 0,
  anonymous_crashed INTEGER NOT NULL DEFAULT 0,
  -- Updates of the hour's sessions that arrived in the step and changed nothing.
  repeated INTEGER NOT NULL DEFAULT 0,
  -- The change of the number of sessions without an initial update.
  without_initial INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (step, scope, hour)
) STRICT, WITHOUT ROWID;

-- Outcomes of received items, by the hour of arrival.
CREATE TABLE outcome (
  hour INTEGER NOT NULL,
  project INTEGER NOT NULL,
  name TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  PRIMARY KEY (hour, project, name)
) STRICT, WITHOUT ROWID;
