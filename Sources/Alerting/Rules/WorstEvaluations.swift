internal import ReleaseHealth
internal import Storage

extension AlertRule {
  /// The worst evaluation of each interval, with the interval's beginning as its time: of those of
  /// the highest level the value that is nearest to an alarm, or farthest beyond.
  ///
  /// - Parameter records: the earliest first.
  func worst(of records: [AlertRecord], everyMinutes minutes: Int) -> [AlertRecord] {
    if minutes == 1 { return records }
    var found: [AlertRecord] = []
    for var record in records {
      record.time = Timestamp(minute: record.time.minute.flooredDivision(by: minutes) * minutes)
      if found.last?.time != record.time {
        found.append(record)
      } else if isWorse(record, than: found[found.count - 1]) {
        found[found.count - 1] = record
      }
    }
    return found
  }

  private func isWorse(_ record: AlertRecord, than other: AlertRecord) -> Bool {
    if record.level != other.level { return record.level > other.level }
    guard let value = record.value else { return false }
    guard let least = other.value else { return true }
    return isAbove ? value > least : value < least
  }
}
