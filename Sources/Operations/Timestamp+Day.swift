package import Contracts

extension Timestamp {
  /// Reads a day, meaning its first instant in UTC, or an RFC 3339 time.
  package init?(dayOrTime text: String) { self.init(text.utf8.count == 10 ? text + "T00:00:00Z" : text) }
}
