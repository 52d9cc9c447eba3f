import type { DatabaseSync } from 'node:sqlite'

/** 'POST' in ASCII: marks a file as ours. */
export const applicationId = 0x50_4f_53_54

// One step per version, forward only: a step that was released is never changed, what must be different comes in a new one.
// `start` is in seconds since the epoch. `totals` is what `analytics/totals.ts` packs: one row holds all outcomes of a series.
const steps: readonly string[] = [
  `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    proxy TEXT NOT NULL,
    revision TEXT NOT NULL,
    service TEXT NOT NULL,
    application TEXT NOT NULL,
    account TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    error_code TEXT NOT NULL,
    UNIQUE (kind, service, application, proxy, environment, revision, account, method, path, error_code)
  ) STRICT;
  CREATE TABLE rollup_minute (
    series INTEGER NOT NULL, start INTEGER NOT NULL, totals BLOB NOT NULL, PRIMARY KEY (series, start)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollup_quarter (
    series INTEGER NOT NULL, start INTEGER NOT NULL, totals BLOB NOT NULL, PRIMARY KEY (series, start)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollup_hour (
    series INTEGER NOT NULL, start INTEGER NOT NULL, totals BLOB NOT NULL, PRIMARY KEY (series, start)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollup_day (
    series INTEGER NOT NULL, start INTEGER NOT NULL, totals BLOB NOT NULL, PRIMARY KEY (series, start)
  ) STRICT, WITHOUT ROWID;
  `,
  // Usage as 3scale counts it. `application` '' is the service; `period` is the place in core/calendar.ts's PERIODS.
  `
  CREATE TABLE usage_series (
    id INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    application TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (service, application, kind, name)
  ) STRICT;
  CREATE TABLE usage (
    series INTEGER NOT NULL, period INTEGER NOT NULL, start INTEGER NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (series, period, start)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_minutes ON usage (start) WHERE period = 0;
  CREATE TABLE integration_error (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX integration_errors ON integration_error (service, id);
  `,
  // Calls are told apart by status and by who answered too. Series from before have neither: '' until they are forgotten.
  `
  CREATE TABLE series_3 (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    proxy TEXT NOT NULL,
    revision TEXT NOT NULL,
    service TEXT NOT NULL,
    application TEXT NOT NULL,
    account TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    error_code TEXT NOT NULL,
    status TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    UNIQUE (
      kind, service, application, proxy, environment, revision, account, method, path, error_code, status, answered_by
    )
  ) STRICT;
  INSERT INTO series_3 SELECT
    id, kind, environment, proxy, revision, service, application, account, method, path, error_code, '', '' FROM series;
  DROP TABLE series;
  ALTER TABLE series_3 RENAME TO series;
  `,
]

export const schemaVersion: number = steps.length

/** A file whose tables a newer program made. */
export class NewerSchemaError extends Error {
  constructor(found: number) {
    super(`its tables have version ${found}, this program knows ${schemaVersion}`)
    this.name = 'NewerSchemaError'
  }
}

/** Brings the tables to the newest version, all steps or none. Throws NewerSchemaError for a file from the future. */
export function migrate(database: DatabaseSync, nowMs: number, upTo: number = schemaVersion): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(
      'CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
    )
    const found = Number(
      database.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_version').get()?.['version'],
    )
    if (found > schemaVersion) throw new NewerSchemaError(found)
    const note = database.prepare('INSERT INTO schema_version (version, applied_at) VALUES (?, ?)')
    for (let version = found + 1; version <= upTo; version++) {
      database.exec(steps[version - 1]!)
      note.run(version, Math.floor(nowMs / 1000))
    }
    database.exec(`PRAGMA application_id = ${applicationId}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
