import Glibc

/// A call of the operating system that failed.
struct SystemFault: Error, Sendable, CustomStringConvertible {
  let code: Int32
  let description: String

  init(_ step: String, _ code: Int32) {
    self.code = code
    description = "cannot \(step): \(String(cString: strerror(code)))"
  }
}
