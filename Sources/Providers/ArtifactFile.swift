import Glibc

/// A file of the artifact directory, open for reading until it is let go of. Safe to share: reads name their place.
package final class ArtifactFile: Sendable {
  /// When it was opened.
  package let bytes: Int
  private let descriptor: CInt

  /// See `ArtifactStore.file`.
  init?(of path: String, in directory: String) {
    guard let name = path.split(separator: "/", omittingEmptySubsequences: false).last,
      !["", ".", ".."].contains(name), !name.utf8.contains(0)
    else { return nil }
    // Opening a pipe that nobody writes to would wait for ever.
    let descriptor = open("\(directory)/\(name)", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= 0 else {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
    bytes = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Blocks for as long as the disk takes.
  /// - Returns: at most so many bytes; none at the end.
  package func read(at offset: Int, count: Int) throws(ArtifactFault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    while true {
      let length = pread(descriptor, &bytes, count, off_t(offset))
      if length < 0, errno == EINTR { continue }
      guard length >= 0 else { throw ArtifactFault(doing: "read", errno) }
      bytes.removeLast(count - length)
      return bytes
    }
  }
}
