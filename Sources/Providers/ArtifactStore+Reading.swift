import Contracts
import Glibc

/// Artifacts of other jobs.
extension ArtifactStore {
  /// The bytes of a file that a result names. Only the last part of its path counts, so that workers may have the
  /// directory in different places, and nothing outside of it can be named; links and what is no plain file are refused.
  ///
  /// - Returns: nil for what is not there, is refused, or has more than `limit` bytes.
  @concurrent
  func read(_ path: String, limit: Int) async -> [UInt8]? {
    guard let name = path.split(separator: "/", omittingEmptySubsequences: false).last,
      !["", ".", ".."].contains(name), !name.utf8.contains(0)
    else { return nil }
    // Opening a pipe that nobody writes to would wait for ever.
    let file = open("\(directory)/\(name)", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, (0...limit).contains(Int(status.st_size))
    else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size))
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while bytes.count <= limit {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes.append(contentsOf: buffer[..<count])
    }
    return nil
  }
}
