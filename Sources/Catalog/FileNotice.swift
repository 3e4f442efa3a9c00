/// One remark about a configuration file: where, and what to write instead. Never quotes values that could be secret.
package struct FileNotice: Sendable, Hashable, CustomStringConvertible {
  /// `tiers.PRO.quotas.concurrency`, `models[3].task`; empty for the file as a whole.
  package var path: String
  package var message: String
  /// Counts from 1; nil for what stands nowhere.
  package var line: Int?

  package init(path: String, message: String, line: Int?) {
    self.path = path
    self.message = message
    self.line = line
  }

  package var description: String {
    (path.isEmpty ? "" : "\(path): ") + message + (line.map { " (line \($0))" } ?? "")
  }
}

/// A configuration file that was refused, with everything that is wrong in it, in the order of its lines.
package struct FileFault: Error, Sendable, Hashable, CustomStringConvertible {
  package var notices: [FileNotice]

  package init(_ notices: [FileNotice]) { self.notices = notices }

  package var description: String { notices.map(\.description).joined(separator: "\n") }
}

/// Collects what is found while one file is read, each remark once. Stays on the thread that reads.
final class FileReport {
  private(set) var faults: [FileNotice] = []
  private(set) var warnings: [FileNotice] = []

  func fault(_ path: String, _ message: String, line: Int?) {
    let notice = FileNotice(path: path, message: message, line: line)
    if !faults.contains(notice) { faults.append(notice) }
  }

  func warn(_ path: String, _ message: String, line: Int?) {
    let notice = FileNotice(path: path, message: message, line: line)
    if !warnings.contains(notice) { warnings.append(notice) }
  }

  /// Ends a reading: throws if anything was wrong, else answers the warnings.
  func settle() throws(FileFault) -> [FileNotice] {
    func inOrder(_ notices: [FileNotice]) -> [FileNotice] { notices.sorted { ($0.line ?? 0) < ($1.line ?? 0) } }
    guard faults.isEmpty else { throw FileFault(inOrder(faults)) }
    return inOrder(warnings)
  }
}
