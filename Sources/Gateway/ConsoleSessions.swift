import Admission
import Contracts
import Crypto
import Foundation
import Hummingbird

/// Who is signed in to the console: a random token in a cookie, of which only the SHA-256 is kept, in Redis, with the id
/// of the key that was shown. The key is asked for with every request, so that revoking it ends its sessions. Safe to
/// share.
struct ConsoleSessions: Sendable {
  static let cookie = "tollway_console"
  static let lifetime: Duration = .seconds(12 * 3600)
  /// Wrong keys from one address within a minute.
  static let attempts = 10
  static let window: Duration = .seconds(60)

  private let desk: AdmissionDesk
  private let readings: Gathering<String, String?>
  /// Stands in for a token where nobody signs in: the local operator of this process.
  let local = Self.randomToken()

  init(desk: AdmissionDesk) {
    self.desk = desk
    readings = Gathering(flights: 2, size: 256) { try await desk.sessions($0) }
  }

  static func token(in request: Request) -> String? {
    guard let token = request.cookies[cookie]?.value, token.utf8.count == 43 else { return nil }
    return token
  }

  /// Id of the key that was shown; nil when the session is over.
  func key(of token: String) async throws(Problem) -> String? {
    do {
      return try await readings.ask(Self.digest(of: token))
    } catch {
      throw Problem.stateUnreachable
    }
  }

  /// - Returns: its token.
  func open(key: String) async throws -> String {
    let token = Self.randomToken()
    try await desk.openSession(Self.digest(of: token), key: key, lasting: Self.lifetime)
    return token
  }

  func close(_ token: String) async throws { try await desk.closeSession(Self.digest(of: token)) }

  /// Counts a key that was wrong. One that is right is let in however many were not: behind a proxy all have one address.
  func countWrongKey(from address: String) async throws {
    guard try await desk.countSignIn(from: address, window: Self.window) <= Self.attempts else {
      throw Problem(
        .rateLimited, "too many keys were wrong from this address; wait a minute", retryAfter: Self.window)
    }
  }

  /// `Set-Cookie`. Links from elsewhere find the session (`Lax`); the forms of another site do not, and what changes
  /// something wants the form's token besides.
  /// - Parameters:
  ///   - token: nil takes the cookie away.
  ///   - isLocal: whether the browser called this machine by a name of its own; anywhere else HTTPS is needed.
  static func field(_ token: String?, isLocal: Bool) -> String {
    let age = token == nil ? 0 : lifetime.components.seconds
    return
      "\(cookie)=\(token ?? ""); Path=/console; Max-Age=\(age); HttpOnly; SameSite=Lax\(isLocal ? "" : "; Secure")"
  }

  /// What a form has to carry, so that only pages of ours can send it.
  /// - Parameter secret: of the session, the key or the process.
  static func formToken(of secret: String) -> String {
    String(Identifier.base64url(bytes: Array(SHA256.hash(data: Array("form|\(secret)".utf8)))).prefix(22))
  }

  private static func digest(of token: String) -> String {
    Identifier.hex(bytes: Array(SHA256.hash(data: Array(token.utf8))))
  }

  private static func randomToken() -> String {
    SymmetricKey(size: .bits256).withUnsafeBytes { Identifier.base64url(bytes: $0) }
  }
}
