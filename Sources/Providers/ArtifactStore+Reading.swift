/// Artifacts of other jobs.
extension ArtifactStore {
  /// A file that a result names. Only the last part of its path counts, so that workers may have the directory in
  /// different places, and nothing outside of it can be named; links and what is no plain file are refused.
  ///
  /// - Returns: nil for what is not there or is refused.
  @concurrent
  package func file(_ path: String) async -> ArtifactFile? { ArtifactFile(of: path, in: directory) }

  /// All bytes of such a file.
  ///
  /// - Returns: nil for what is not there, is refused, or has more than `limit` bytes.
  @concurrent
  func read(_ path: String, limit: Int) async -> [UInt8]? {
    guard let file = ArtifactFile(of: path, in: directory), file.bytes <= limit else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(file.bytes)
    do {
      while bytes.count <= limit {
        let part = try file.read(at: bytes.count, count: 1 << 18)
        if part.isEmpty { return bytes }
        bytes += part
      }
    } catch {
      return nil
    }
    return nil
  }
}
