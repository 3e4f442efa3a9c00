import Contracts
import Glibc

/// Why a file could not be written: disk full, no permission.
package struct ArtifactFault: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }

  init(doing step: String, _ code: Int32) {
    description = "cannot \(step): \(String(cString: strerror(code)))"
  }

  /// The failure of an attempt whose call was made, and paid, before.
  func failure(usage: [Usage]) -> ProviderFailure {
    ProviderFailure(
      .local, "the artifact could not be stored (\(description)); check TOLLWAY_ARTIFACTS", usage: usage,
      reachedProvider: true)
  }
}
