import Contracts
import Crypto
import Foundation
import Glibc

/// Writes what jobs produce into one directory. A file appears under its name whole or not at all: it is written beside
/// it and renamed. Not synced to disk, because an artifact lost with the machine is made again by a replay. Stateless;
/// safe to call from anywhere, runs off the caller's executor.
package struct ArtifactStore: Sendable {
  /// As configured, relative or absolute; results name files with it in front.
  package let directory: String

  package init(directory: String) {
    let trimmed = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    self.directory = trimmed.isEmpty ? "." : trimmed
  }

  /// - Parameters:
  ///   - attemptID: `<job>/<run>/<attempt>`; the stem of the name.
  ///   - part: counts from 2 for the further files of one attempt.
  @concurrent
  package func write(
    _ bytes: [UInt8], attemptID: String, part: Int = 1, type: MediaType
  ) async throws(ArtifactFault) -> Artifact {
    let name = Self.fileName(attemptID: attemptID, part: part, type: type)
    let path = "\(directory)/\(name)"
    let temporary = "\(directory)/.\(UInt64.random(in: .min ... .max)).part"
    try Self.create(temporary, in: directory, bytes)
    guard rename(temporary, path) == 0 else {
      let fault = ArtifactFault(doing: "rename to its name", errno)
      unlink(temporary)
      throw fault
    }
    let digest = SHA256.hash(data: bytes)
    let hex = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return Artifact(path: path, mediaType: type.name, bytes: bytes.count, sha256: hex)
  }

  /// `<job>.<run>.<attempt>.<ext>`, `<job>.<run>.<attempt>-2.<ext>` for a second file. Different attempts have
  /// different names; no name leaves the directory, hides, or reads as an option: whatever is no character of an
  /// identifier, and a dot or hyphen in front, is percent-encoded. Where that grows too long for a file system, a
  /// digest stands in.
  static func fileName(attemptID: String, part: Int, type: MediaType) -> String {
    var stem = ""
    for (index, byte) in attemptID.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "/"): stem += index == 0 ? "%2F" : "."
      case UInt8(ascii: ".") where index == 0, UInt8(ascii: "-") where index == 0: stem += percentEncoded(byte)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
        UInt8(ascii: "@"), UInt8(ascii: "-"):
        stem.unicodeScalars.append(Unicode.Scalar(byte))
      default: stem += percentEncoded(byte)
      }
    }
    if stem.utf8.count > 220 || stem.isEmpty {
      stem = SHA256.hash(data: Array(attemptID.utf8)).map { percentEncoded($0).dropFirst() }.joined()
    }
    return "\(stem)\(part > 1 ? "-\(part)" : "").\(type.fileExtension)"
  }

  private static func percentEncoded(_ byte: UInt8) -> String {
    "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }

  private static func create(_ path: String, in directory: String, _ bytes: [UInt8]) throws(ArtifactFault) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    var file = open(path, flags, 0o640)
    if file < 0, errno == ENOENT {
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      } catch {
        throw ArtifactFault("cannot create the directory of artifacts")
      }
      file = open(path, flags, 0o640)
    }
    guard file >= 0 else { throw ArtifactFault(doing: "create", errno) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        let fault = ArtifactFault(doing: "write", errno)
        close(file)
        unlink(path)
        throw fault
      }
      rest = rest.dropFirst(written)
    }
    guard close(file) == 0 else {
      let fault = ArtifactFault(doing: "write", errno)
      unlink(path)
      throw fault
    }
  }
}
