internal import CSQLite
internal import ReleaseHealth
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
    guard let value else { return bindNull(index) }
    unsafe sqlite3_bind_int64(handle, index, value)
  }

  func bind(_ index: Int32, _ value: Int) {
    unsafe sqlite3_bind_int64(handle, index, Int64(value))
  }

  func bind(_ index: Int32, _ value: Double?) {
    guard let value else { return bindNull(index) }
    unsafe sqlite3_bind_double(handle, index, value)
  }

  func bind(_ index: Int32, _ text: String?) {
    guard var text else { return bindNull(index) }
    _ = text.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
        unsafe csqlite_bind_text(handle, index, characters.baseAddress, Int32(characters.count))
      }
    }
  }

  func bind(_ index: Int32, blob: [UInt8]?) {
    guard let blob else { return bindNull(index) }
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
    guard let value else { return bindNull(index) }
    _ = unsafe withUnsafeBytes(of: value.littleEndian) { bytes in
      unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, 4)
    }
  }

  private func bindNull(_ index: Int32) {
    unsafe sqlite3_bind_null(handle, index)
  }

  /// Binds all parameters in their order. Statements that run for every update bind theirs by index
  /// instead, which makes no array.
  func bind(_ values: [(any Bindable)?]) {
    for (index, value) in zip(Int32(1)..., values) {
      if let value { value.bind(to: self, index) } else { bindNull(index) }
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

  func run(_ values: [(any Bindable)?]) throws(StoreError) {
    bind(values)
    try run()
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

  func time(_ column: Int32) -> Timestamp {
    Timestamp(milliseconds: integer(column))
  }

  func optionalTime(_ column: Int32) -> Timestamp? {
    optionalInteger(column).map { Timestamp(milliseconds: $0) }
  }

  /// The column `adopted`, and `unadopted` behind it.
  func adoption(_ column: Int32) -> AdoptionTimes {
    AdoptionTimes(adopted: optionalTime(column), unadopted: optionalTime(column + 1))
  }

  /// The counts in five columns, in the order of ``Severity``.
  func counts(from column: Int32) -> SessionCounts {
    var counts = SessionCounts()
    for severity in Severity.allCases {
      counts[severity] = integer(column + Int32(severity.rawValue))
    }
    return counts
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
  func withBlob<Failure: Error>(
    _ column: Int32, _ body: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    guard let bytes = unsafe sqlite3_column_blob(handle, column) else { return }
    let count = unsafe Int(sqlite3_column_bytes(handle, column))
    let start = unsafe bytes.assumingMemoryBound(to: UInt8.self)
    try body(unsafe Span(_unsafeStart: start, count: count))
  }

  private var sql: String {
    unsafe sqlite3_sql(handle).map { unsafe String(cString: $0) } ?? ""
  }
}

/// A value for a parameter of a statement.
protocol Bindable {
  func bind(to statement: Statement, _ index: Int32)
}

extension Int: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, self) }
}

extension Int64: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, self) }
}

extension Double: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, self) }
}

extension String: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, self) }
}

extension [UInt8]: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, blob: self) }
}

extension Timestamp: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, milliseconds) }
}

extension OrganizationID: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, rawValue) }
}

extension ProjectID: Bindable {
  func bind(to statement: Statement, _ index: Int32) { statement.bind(index, rawValue) }
}
