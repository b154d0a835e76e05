internal import CSQLite
internal import Storage

/// A prepared statement of a connection.
@safe
final class Statement {
  private let handle: OpaquePointer
  private let connection: Connection

  init(_ handle: OpaquePointer, of connection: Connection) {
    unsafe self.handle = handle
    self.connection = connection
  }

  deinit {
    unsafe sqlite3_finalize(handle)
  }

  func bind(_ index: Int32, _ value: Int64?) {
    if let value {
      unsafe sqlite3_bind_int64(handle, index, value)
    } else {
      unsafe sqlite3_bind_null(handle, index)
    }
  }

  func bind(_ index: Int32, _ value: Int) {
    unsafe sqlite3_bind_int64(handle, index, Int64(value))
  }

  func bind(_ index: Int32, _ value: Double?) {
    if let value {
      unsafe sqlite3_bind_double(handle, index, value)
    } else {
      unsafe sqlite3_bind_null(handle, index)
    }
  }

  func bind(_ index: Int32, _ text: String?) {
    guard var text else {
      unsafe sqlite3_bind_null(handle, index)
      return
    }
    _ = text.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
        unsafe csqlite_bind_text(handle, index, characters.baseAddress, Int32(characters.count))
      }
    }
  }

  func bind(_ index: Int32, blob: [UInt8]?) {
    guard let blob else {
      unsafe sqlite3_bind_null(handle, index)
      return
    }
    _ = unsafe blob.withUnsafeBytes { bytes in
      unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count))
    }
  }

  /// Binds 128 bits as a blob of 16 bytes, most significant first.
  func bind(_ index: Int32, _ value: UInt128) {
    _ = unsafe withUnsafeBytes(of: value.bigEndian) { bytes in
      unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, 16)
    }
  }

  /// Binds 32 bits as a blob of four bytes, least significant first.
  func bind(_ index: Int32, _ value: UInt32?) {
    guard let value else {
      unsafe sqlite3_bind_null(handle, index)
      return
    }
    _ = unsafe withUnsafeBytes(of: value.littleEndian) { bytes in
      unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, 4)
    }
  }

  /// Steps to the next row. Returns false, and resets the statement, when there is none.
  func step() throws(StoreError) -> Bool {
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    let failure = code == SQLITE_DONE ? nil : connection.failure(code, "step \(sql)")
    unsafe sqlite3_reset(handle)
    if let failure { throw failure }
    return false
  }

  /// Runs a statement that returns no rows.
  func run() throws(StoreError) {
    while try step() {}
  }

  /// Discards the remaining rows.
  func reset() {
    unsafe sqlite3_reset(handle)
  }

  func integer(_ column: Int32) -> Int64 {
    unsafe sqlite3_column_int64(handle, column)
  }

  func optionalInteger(_ column: Int32) -> Int64? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : integer(column)
  }

  func optionalDouble(_ column: Int32) -> Double? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
      ? nil : sqlite3_column_double(handle, column)
  }

  func text(_ column: Int32) -> String {
    guard let characters = unsafe sqlite3_column_text(handle, column) else { return "" }
    return unsafe String(cString: characters)
  }

  func optionalText(_ column: Int32) -> String? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : text(column)
  }

  func blob(_ column: Int32) -> [UInt8] {
    guard let bytes = unsafe sqlite3_column_blob(handle, column) else { return [] }
    let count = unsafe Int(sqlite3_column_bytes(handle, column))
    return unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
  }

  /// Passes a blob in SQLite's memory to `body`; it is valid until the next step.
  func withBlob(_ column: Int32, _ body: (Span<UInt8>) -> Void) {
    guard let bytes = unsafe sqlite3_column_blob(handle, column) else { return }
    let count = unsafe Int(sqlite3_column_bytes(handle, column))
    let start = unsafe bytes.assumingMemoryBound(to: UInt8.self)
    body(unsafe Span(_unsafeStart: start, count: count))
  }

  private var sql: String {
    unsafe sqlite3_sql(handle).map { unsafe String(cString: $0) } ?? ""
  }
}
