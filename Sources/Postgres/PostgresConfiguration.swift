import CPostgres

/// Where PostgreSQL is and how long to wait for it. Printing one shows hosts and the database only, never a user or a
/// password.
package struct PostgresConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  /// What to tell libpq for each host of the URL, in its order.
  let attempts: [[String: String]]
  /// For connecting to one host, its addresses and the login included. Default 5 seconds, or `connect_timeout` of the
  /// URL. Name resolution has the resolver's own limits.
  package var connectTimeout: Duration = .seconds(5)
  /// After this long the server ends a statement. Default 60 seconds.
  package var statementTimeout: Duration = .seconds(60)
  /// How much longer than that the client waits before it gives up the connection. Default 10 seconds.
  package var allowance: Duration = .seconds(10)
  /// For a lock that another transaction holds. Default 10 seconds.
  package var lockTimeout: Duration = .seconds(10)

  package let description: String

  package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}

/// Reads `postgres://user:password@host[:5432][,host...]/database[?option=value&...]`, with every option that libpq
/// knows (`sslmode`, `sslrootcert`, ...). What the URL leaves out comes from where libpq looks for it: `PGHOST` and its
/// like, `~/.pgpass`. No part of the URL is repeated in an error: any part may be a piece of a password that was not
/// percent-encoded.
extension PostgresConfiguration {
  /// Loads libpq. `key` names the setting in error messages. Throws `configuration` errors only, each with the fix.
  package init(url: String, key: String = "TOLLWAY_LEDGER_URL") throws(PostgresError) {
    let form = "write postgres://user:password@host:port/database, with / @ : ? % in a password percent-encoded"
    func refusal(_ problem: String) -> PostgresError { PostgresError(.configuration, "\(key): \(problem); \(form)") }
    guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://"), !url.utf8.contains(0) else {
      throw refusal("this is no URL of PostgreSQL")
    }
    if let failure = tollway_pq_load().map({ String(cString: $0) }) {
      throw PostgresError(.configuration, "\(key) needs libpq 14 or newer; install libpq5 (\(failure))")
    }
    guard var options = Self.options(of: url) else { throw refusal("the URL is malformed or has an unknown option") }

    if let seconds = options.removeValue(forKey: "connect_timeout") {
      guard let seconds = Int(seconds), (1...3600).contains(seconds) else {
        throw refusal("connect_timeout is a number of seconds from 1 to 3600")
      }
      connectTimeout = .seconds(seconds)
    }
    let database = options["dbname"] ?? ""
    guard !database.contains(where: { "/@:?".contains($0) }) else { throw refusal("the database's name is malformed") }
    let defaults = [
      "application_name": "tollway", "target_session_attrs": "read-write", "keepalives": "1", "keepalives_idle": "10",
      "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "20000",
    ]
    options.merge(defaults) { given, _ in given }
    options["client_encoding"] = "UTF8"

    func list(_ name: String) -> [String] {
      options.removeValue(forKey: name)?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    }
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
    let count = max(hosts.count, addresses.count, 1)
    guard hosts.allSatisfy(Self.isHost), addresses.allSatisfy(Self.isHost), ports.allSatisfy(Self.isPort),
      [0, count].contains(hosts.count), [0, count].contains(addresses.count), [0, 1, count].contains(ports.count)
    else { throw refusal("a host or a port is malformed") }
    func place(_ index: Int) -> [String: String] {
      let given = [
        "host": hosts.isEmpty ? "" : hosts[index], "hostaddr": addresses.isEmpty ? "" : addresses[index],
        "port": ports.isEmpty ? "" : ports[ports.count == 1 ? 0 : index],
      ]
      return given.filter { !$0.value.isEmpty }
    }
    let places = (0..<count).map(place)
    attempts = places.map { options.merging($0) { _, place in place } }
    let shown = places.map { place in
      "\(place["host"] ?? place["hostaddr"] ?? "(default)")\(place["port"].map { ":\($0)" } ?? "")"
    }
    description = "postgres://\(shown.joined(separator: ","))/\(database)"
  }

  /// What the URL says, by the names of libpq; nil if that cannot read it.
  private static func options(of url: String) -> [String: String]? {
    guard let list = PQconninfoParse(url, nil) else { return nil }
    defer { PQconninfoFree(list) }
    var found: [String: String] = [:]
    var next = list
    while let keyword = next.pointee.keyword {
      if let value = next.pointee.val { found[String(cString: keyword)] = String(cString: value) }
      next += 1
    }
    return found
  }

  /// A name, an address or the directory of a Unix socket; empty stands for the default.
  private static func isHost(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: ":"), UInt8(ascii: "/"):
        true
      default: false
      }
    }
  }

  private static func isPort(_ text: String) -> Bool {
    text.isEmpty || (text.utf8.allSatisfy { (0x30...0x39).contains($0) } && (UInt16(text) ?? 0) > 0)
  }
}
