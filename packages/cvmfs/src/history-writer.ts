/** Histories: see history.ts. A new one is made for each change of the tags. */
import { DatabaseSync } from 'node:sqlite'
import { type ContentHash, formatContentHash } from './content-hash.ts'
import type { Tag } from './history.ts'

export function writeHistory(
  file: string,
  name: string,
  tags: readonly Tag[],
  previous: ContentHash | undefined,
): void {
  const database = new DatabaseSync(file)
  try {
    database.exec(`PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; ${SCHEMA}; BEGIN`)
    const set = database.prepare('INSERT INTO properties VALUES (?, ?)')
    set.run('schema', '1.0')
    set.run('schema_revision', '3')
    set.run('fqrn', name)
    set.run('previous_revision', previous === undefined ? '' : formatContentHash(previous))
    const insert = database.prepare("INSERT INTO tags VALUES (?, ?, ?, ?, 0, ?, ?, '')")
    for (const tag of tags) {
      insert.run(
        tag.name,
        formatContentHash(tag.rootCatalog),
        tag.revision,
        tag.timestamp,
        tag.description,
        tag.size ?? 0,
      )
    }
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}

const SCHEMA = `
CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE branches (branch TEXT, parent TEXT, initial_revision INTEGER,  CONSTRAINT pk_branch PRIMARY KEY (branch),   FOREIGN KEY (parent) REFERENCES branches (branch),   CHECK ((branch <> '') OR (parent IS NULL)),   CHECK ((branch = '') OR (parent IS NOT NULL)));
INSERT INTO branches VALUES('',NULL,0);
CREATE TABLE tags (name TEXT, hash TEXT, revision INTEGER,   timestamp INTEGER, channel INTEGER, description TEXT, size INTEGER,   branch TEXT, CONSTRAINT pk_tags PRIMARY KEY (name),   FOREIGN KEY (branch) REFERENCES branches (branch));
CREATE TABLE recycle_bin (hash TEXT, flags INTEGER,   CONSTRAINT pk_hash PRIMARY KEY (hash));
`
