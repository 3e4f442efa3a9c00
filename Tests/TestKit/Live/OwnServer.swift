import Foundation

/// A server that the tests started themselves through scripts/lib/servers.sh, in a directory of its own.
struct OwnServer: Sendable {
  /// The script's actions that start one.
  enum Kind: String {
    case redis = "start-redis"
    case sentinels = "start-sentinels"
    case broker = "start-broker"
    case postgres = "start-postgres"
  }

  let kind: Kind
  let options: [String]
  let directory: TestDirectory

  /// Starts a new one.
  init(_ kind: Kind, options: [String]) async throws {
    self.kind = kind
    self.options = options
    directory = try TestDirectory("\(kind)")
    try await start()
  }

  func start() async throws { try await script([kind.rawValue, directory.url.path] + options) }
  func stop() async throws { try await script(["stop", directory.url.path]) }
  /// - Parameter member: one of several servers under the directory, all without it.
  func crash(member: String = "") async throws { try await script(["kill", directory.file(member).path]) }

  /// The first line of a file that the script left in its directory.
  func value(_ name: String) throws -> String {
    let text = try String(contentsOf: directory.file(name), encoding: .utf8)
    return String(text.prefix { !$0.isNewline })
  }

  private func script(_ arguments: [String]) async throws {
    let path = TestDirectory.packageRoot.appending(path: "scripts/lib/servers.sh").path
    try await FinishedCommand.run(["bash", path] + arguments, within: .seconds(240)).checked()
  }
}

extension OwnServer? {
  /// - Throws: `NotOurServer` for a server that is only shared.
  var required: OwnServer {
    get throws(NotOurServer) {
      guard let self else { throw NotOurServer() }
      return self
    }
  }
}

/// A test tried to stop or start a server that it shares with others; it needs one of its own.
package struct NotOurServer: Error, CustomStringConvertible {
  package var description: String { "only a server from dedicated() can be stopped and started" }
}
