package import Contracts
package import Logging

extension Entitlement {
  /// As Redis has it. Nil where there is none, and where it cannot be read, which is logged: the user is judged without.
  package static func stored(_ row: [UInt8]?, logger: Logger) -> Entitlement? {
    guard let row else { return nil }
    do {
      return try Entitlement(decoding: row)
    } catch {
      logger.error("entitlement of a user cannot be read and is left out", metadata: [LogKey.error: "\(error)"])
      return nil
    }
  }
}
