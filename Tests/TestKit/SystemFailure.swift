import Glibc

/// A call into the operating system that did not work, with its reason.
package struct SystemFailure: Error, CustomStringConvertible {
  package let description: String

  /// - Parameter code: the error number, `errno` where it is not given.
  package init(_ what: String, code: Int32 = errno) {
    description = "\(what): \(String(cString: strerror(code)))"
  }
}
