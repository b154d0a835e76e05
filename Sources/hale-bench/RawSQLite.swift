import ArgumentParser
import CSQLite

// SQLite without Hale, as the upper bound of what the store can reach.

/// A connection of SQLite's C API.
@safe
final class RawSQLite {
  private let handle: OpaquePointer

  /// - Parameter path: the path of an existing database.
  init(_ path: String) throws {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
    guard unsafe sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK,
      let opened = unsafe opened
    else { throw ValidationError("cannot open \(path)") }
    unsafe handle = opened
  }

  deinit {
    unsafe sqlite3_close_v2(handle)
  }

  func execute(_ sql: String) throws {
    guard unsafe sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
  }

  func prepare(_ sql: String) throws -> RawStatement {
    var prepared: OpaquePointer?
    guard unsafe sqlite3_prepare_v2(handle, sql, -1, &prepared, nil) == SQLITE_OK,
      let prepared = unsafe prepared
    else { throw failure(sql) }
    return unsafe RawStatement(prepared, of: self)
  }

  /// The first column of the first row, as a number.
  func number(_ sql: String) throws -> Int64 {
    let statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : 0
  }

  func failure(_ what: String) -> ValidationError {
    ValidationError("\(what): \(unsafe String(cString: sqlite3_errmsg(handle)))")
  }
}

/// A prepared statement.
@safe
final class RawStatement {
  private let handle: OpaquePointer
  private let connection: RawSQLite

  init(_ handle: OpaquePointer, of connection: RawSQLite) {
    unsafe self.handle = handle
    self.connection = connection
  }

  deinit {
    unsafe sqlite3_finalize(handle)
  }

  func bind(_ index: Int32, _ value: Int64) {
    unsafe sqlite3_bind_int64(handle, index, value)
  }

  func bind(_ index: Int32, _ bytes: [UInt8]) {
    _ = unsafe bytes.withUnsafeBytes {
      unsafe csqlite_bind_blob(handle, index, $0.baseAddress, Int32($0.count))
    }
  }

  /// Binds a blob of 16 bytes, most significant first.
  func bind(_ index: Int32, _ value: UInt128) {
    _ = unsafe withUnsafeBytes(of: value.bigEndian) { bytes in
      unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, 16)
    }
  }

  /// Steps to the next row; at the end it resets the statement and returns false.
  func step() throws -> Bool {
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    unsafe sqlite3_reset(handle)
    if code != SQLITE_DONE { throw connection.failure("step") }
    return false
  }

  func run() throws {
    while try step() {}
  }

  func integer(_ column: Int32) -> Int64 {
    unsafe sqlite3_column_int64(handle, column)
  }
}
