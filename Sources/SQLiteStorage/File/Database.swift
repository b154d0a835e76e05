internal import Storage

/// Opens the database file, with its settings and schema.
enum Database {
  /// The SQLite application id, "Hale" in ASCII.
  static let applicationID: Int64 = 0x4861_6c65
  /// The version of schema.sql.
  static let schemaVersion: Int64 = 9

  /// Opens the file for writing, and creates the schema if it is empty.
  ///
  /// - Parameter newSecret: 32 random bytes, stored as the key of the user hashes if the file is
  ///   new.
  static func openWriter(path: String, newSecret: [UInt8]) throws(StoreError) -> Connection {
    let connection = try Connection(path: path, mode: .writer)
    try checkVersion(of: connection, path: path)
    // The order matters: page size and journal mode are set before the first page is written.
    try connection.execute("PRAGMA journal_mode = WAL")
    // FULL syncs the WAL at every commit, so that a commit survives a power loss.
    try connection.execute("PRAGMA synchronous = FULL")
    try connection.execute("PRAGMA foreign_keys = ON")
    try connection.execute("PRAGMA temp_store = MEMORY")
    // 16 MiB. All page caches together stay under 48 MiB.
    try connection.execute("PRAGMA cache_size = -16384")
    connection.watchWAL()
    if try connection.number("PRAGMA user_version") != 0 {
      try Migrations.run(connection)
      return connection
    }
    try connection.transaction { () throws(StoreError) in
      // Another process may have created it already.
      if try connection.number("PRAGMA user_version") == 0 {
        try connection.execute(schema)
        try connection.run(
          """
          INSERT INTO setting (name, value)
          VALUES ('user_hash_key', ?), ('next_user', 1), ('catalog_version', 1),
            ('folded_batches', 0)
          """, [newSecret])
        try connection.execute("PRAGMA application_id = \(applicationID)")
        try connection.execute("PRAGMA user_version = \(schemaVersion)")
      }
    }
    return connection
  }

  static func openReader(path: String) throws(StoreError) -> Connection {
    let connection = try Connection(path: path, mode: .reader)
    try connection.execute("PRAGMA temp_store = MEMORY")
    // 8 MiB for each of the few readers.
    try connection.execute("PRAGMA cache_size = -8192")
    return connection
  }

  /// Rejects files that are not Hale's, or are newer than this program, before anything is written.
  static func checkVersion(of connection: Connection, path: String) throws(StoreError) {
    let version = try connection.number("PRAGMA user_version") ?? 0
    let application = try connection.number("PRAGMA application_id") ?? 0
    if version > schemaVersion {
      throw .newerSchema(path: path, version: version, known: schemaVersion)
    }
    let tables = try connection.number("SELECT count(*) FROM sqlite_schema") ?? 0
    if tables > 0, application != applicationID {
      throw .foreignDatabase(path: path)
    }
  }

  private static var schema: String {
    String(decoding: PackageResources.schema_sql, as: UTF8.self)
  }
}
