/// Ids for jobs whose sender gave none: ULIDs, 48 bits of milliseconds and 80 random bits in 26 characters that sort by
/// time (https://github.com/ulid/spec).
package enum JobID {
  package static func fresh(at time: Timestamp) -> String {
    let milliseconds = UInt64(max(0, time.milliseconds))
    return digits(of: milliseconds, count: 10) + digits(of: .random(in: .min ... .max), count: 8)
      + digits(of: .random(in: .min ... .max), count: 8)
  }

  /// The lowest `count` digits in Crockford's base 32.
  private static func digits(of number: UInt64, count: Int) -> String {
    let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    return String((0..<count).reversed().map { alphabet[Int(number >> (UInt64($0) * 5) & 31)] })
  }
}
