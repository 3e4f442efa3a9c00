/// A point in time as milliseconds since 1970-01-01T00:00:00Z, printed and read as RFC 3339 with milliseconds in UTC.
/// Foundation's formatters cost more than a whole job may, hence the calendar arithmetic (civil date from day number).
package struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  package var description: String {
    String(unsafeUninitializedCapacity: 24) { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      write(into: start)
      return 24
    }
  }

  /// `2026-11`, the month a cost belongs to (UTC).
  package var chargePeriod: String { String(description.prefix(7)) }

  /// Writes the 24 bytes of `2026-11-21T10:15:30.123Z`. Years 0000 to 9999.
  package func write(into output: UnsafeMutablePointer<UInt8>) {
    let days = Int(milliseconds.flooredDivision(by: 86_400_000))
    let inDay = Int(milliseconds - Int64(days) * 86_400_000)
    let (year, month, day) = Timestamp.civil(fromDays: days)
    func digits(_ value: Int, _ count: Int, at offset: Int) {
      var rest = value
      for position in stride(from: offset + count - 1, through: offset, by: -1) {
        output[position] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
    }
    digits(year, 4, at: 0)
    output[4] = UInt8(ascii: "-")
    digits(month, 2, at: 5)
    output[7] = UInt8(ascii: "-")
    digits(day, 2, at: 8)
    output[10] = UInt8(ascii: "T")
    digits(inDay / 3_600_000, 2, at: 11)
    output[13] = UInt8(ascii: ":")
    digits(inDay / 60_000 % 60, 2, at: 14)
    output[16] = UInt8(ascii: ":")
    digits(inDay / 1000 % 60, 2, at: 17)
    output[19] = UInt8(ascii: ".")
    digits(inDay % 1000, 3, at: 20)
    output[23] = UInt8(ascii: "Z")
  }

  /// Reads RFC 3339: date, `T` or a space, time with optional fraction (digits beyond milliseconds are cut), `Z` or
  /// a numeric offset. Returns nil for anything else, impossible dates included, and for what its offset carries out of
  /// the years 0000 to 9999, which could not be written again.
  package init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    func number(_ count: Int) -> Int? {
      guard rest.count >= count else { return nil }
      var value = 0
      for byte in rest.prefix(count) {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      rest = rest.dropFirst(count)
      return value
    }
    func expect(_ allowed: String) -> UInt8? {
      guard let byte = rest.first, allowed.utf8.contains(byte) else { return nil }
      rest = rest.dropFirst()
      return byte
    }
    guard let year = number(4), expect("-") != nil, let month = number(2), expect("-") != nil, let day = number(2),
      expect("Tt ") != nil, let hour = number(2), expect(":") != nil, let minute = number(2), expect(":") != nil,
      let second = number(2), (1...12).contains(month), day >= 1, day <= Timestamp.days(inMonth: month, of: year),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var fraction = 0
    if expect(".") != nil {
      var scale = 100
      var count = 0
      while let digit = number(1) {
        fraction += digit * scale
        scale /= 10
        count += 1
      }
      guard count > 0 else { return nil }
    }
    var offsetMinutes = 0
    guard let zone = expect("Zz+-") else { return nil }
    if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
      guard let hours = number(2), expect(":") != nil, let minutes = number(2), hours < 24, minutes < 60 else {
        return nil
      }
      offsetMinutes = (hours * 60 + minutes) * (zone == UInt8(ascii: "-") ? -1 : 1)
    }
    guard rest.isEmpty else { return nil }
    let days = Timestamp.days(fromCivil: year, month, day)
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offsetMinutes * 60
    guard
      (Timestamp.days(fromCivil: 0, 1, 1) * 86_400..<Timestamp.days(fromCivil: 10_000, 1, 1) * 86_400)
        .contains(seconds)
    else { return nil }
    milliseconds = Int64(seconds) * 1000 + Int64(fraction)
  }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  // Proleptic Gregorian calendar with years starting in March, so that the leap day is the last of the year.
  // Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", sections days_from_civil, civil_from_days.
  private static func civil(fromDays days: Int) -> (Int, Int, Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }

  private static func days(fromCivil year: Int, _ month: Int, _ day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension Int64 {
  fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}

extension [UInt8] {
  /// The 24 bytes of `Timestamp.description`.
  package mutating func append(_ time: Timestamp) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { text in
      guard let start = text.baseAddress else { return }
      time.write(into: start)
      append(contentsOf: UnsafeBufferPointer(text))
    }
  }
}
