/// What went wrong on the PostgreSQL wire and what the caller may do about it. No text in here repeats the URL, a value
/// of a statement or the server's DETAIL.
package struct PostgresError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// The URL cannot be used as written, or the server refuses its user, password or database.
    case configuration
    /// No connection to any of the hosts: name not resolved, refused, connect timeout, or no primary.
    case unreachable
    /// The connection ended, or had to be given up, before the answer was there.
    case connectionLost
    /// The server did not answer in time; the connection was given up.
    case deadlineExceeded
    /// The server ended a statement that took too long, or cannot do its work at the moment.
    case interrupted
    /// Somebody else holds what the statement needs, or the server has too much to do.
    case busy
    case diskFull
    /// The server found its own data damaged.
    case corrupt
    /// The task was cancelled; nothing was committed.
    case cancelled
    /// The client was closed; nothing was sent.
    case closed
    /// Any other refusal of the server; the transaction is over.
    case server
    /// The program asked for what cannot be sent.
    case misuse
  }

  package enum Disposition: String, Sendable {
    /// The same call may succeed later.
    case retry
    /// The same call may succeed on another connection, which the client opens by itself at the next call.
    case reconnect
    /// Somebody has to change a setting, a permission or the program.
    case permanent
  }

  package let code: Code
  package let message: String
  /// The server's five characters, where it was the server that refused.
  package let sqlState: String?
  /// A COMMIT was on its way: the transaction may be on disk, or nothing of it.
  package var isOutcomeUnknown = false

  package init(_ code: Code, _ message: String, sqlState: String? = nil) {
    self.code = code
    self.message = message
    self.sqlState = sqlState
  }

  package var disposition: Disposition {
    switch code {
    case .unreachable, .connectionLost, .deadlineExceeded: .reconnect
    case .interrupted, .busy, .diskFull, .cancelled: .retry
    case .configuration, .corrupt, .closed, .server, .misuse: .permanent
    }
  }

  package var description: String {
    let state = sqlState.map { ", SQLSTATE \($0)" } ?? ""
    return "\(message) (\(code.rawValue)\(state)\(isOutcomeUnknown ? ", outcome unknown" : ""))"
  }
}

extension PostgresError {
  /// A refusal of the server. Messages of data exceptions quote the value: what stands in quotation marks is blanked.
  init(sqlState: String, message: String) {
    let text = sqlState.hasPrefix("22") ? Self.withoutQuotations(message) : message
    self.init(Self.code(of: sqlState), "postgres: \(text.prefix(300))", sqlState: sqlState)
  }

  static func code(of sqlState: String) -> Code {
    switch sqlState {
    case "40001", "40P01", "55P03": .busy
    case "53100": .diskFull
    // A write to a former primary; the next connection may find the new one.
    case "25006": .connectionLost
    // A prepared statement that the server does not know any more: the connection is not the one it was.
    case "26000": .connectionLost
    case "57014", "58030": .interrupted
    case "3D000": .configuration
    case "XX001", "XX002": .corrupt
    default:
      switch sqlState.prefix(2) {
      case "08", "57": .connectionLost
      case "28": .configuration
      case "53": .busy
      default: .server
      }
    }
  }

  /// Why a connection did not come about, from what the library says: lines that each end with the server's SQLSTATE,
  /// as was asked for, or with a reason of the system.
  init(connecting text: String, needsPassword: Bool) {
    let lines = text.split(whereSeparator: \.isNewline).filter { $0.first?.isWhitespace == false }
    guard let sqlState = lines.lazy.compactMap({ Self.sqlState(endingLine: $0) }).last else {
      if needsPassword {
        self.init(.configuration, "the server wants a password; put it into the URL, into PGPASSWORD or ~/.pgpass")
        return
      }
      let line = lines.last ?? "no reason given"
      let reason = line.range(ofLast: "failed: ").map { line[$0.upperBound...] } ?? line
      self.init(.unreachable, "postgres cannot be reached: \(Self.withoutQuotations(String(reason)).prefix(300))")
      return
    }
    switch sqlState {
    case "3D000": self.init(.configuration, "there is no database of the name in the URL", sqlState: sqlState)
    case let state where state.hasPrefix("28"):
      self.init(.configuration, "the server refused the user or the password in the URL", sqlState: state)
    case "57P03": self.init(.unreachable, "the server is starting or shutting down", sqlState: sqlState)
    case "53300": self.init(.busy, "the server has no connection left", sqlState: sqlState)
    default:
      let code = Self.code(of: sqlState)
      self.init(
        code == .connectionLost || code == .interrupted ? .unreachable : code, "the server refused the connection",
        sqlState: sqlState)
    }
  }

  private static func sqlState(endingLine line: Substring) -> String? {
    let state = line.suffix(5)
    let isState = state.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
    return isState && line.dropLast(5).hasSuffix(":  ") ? String(state) : nil
  }

  /// From the first mark to the last: names of hosts and values may hold marks themselves.
  private static func withoutQuotations(_ text: String) -> String {
    guard let first = text.firstIndex(of: "\""), let last = text.lastIndex(of: "\"") else { return text }
    return text[..<first] + "\"...\"" + (last > first ? text[text.index(after: last)...] : "")
  }
}

extension Substring {
  fileprivate func range(ofLast pattern: String) -> Range<Index>? { ranges(of: pattern).last }
}
