import Catalog
import Foundation

/// The limits that a process takes on before it begins, and cannot shed: open files by the shell's `ulimit`, processors
/// by `taskset`. Each replaces itself by the next (`exec`), so that the process and its number are the command's from
/// the start, and there is no moment without limits. Addresses are not limited: models are mapped files.
enum LimitedCommand {
  /// - Parameter processors: numbers of those that this process may use.
  static func of(_ command: [String], _ limits: ProcessLimits, processors: [Int]) -> [String] {
    var command = command
    if let count = limits.processors, count < processors.count {
      let chosen = processors.shuffled().prefix(count).sorted().map { String($0) }.joined(separator: ",")
      command = ["taskset", "-c", chosen] + command
    }
    if let files = limits.files {
      command = ["/bin/sh", "-c", #"ulimit -n "$0" && exec "$@""#, String(files)] + command
    }
    return command
  }

  /// From `/proc/self/status`; empty where it cannot be read, which leaves processors unlimited.
  static func ownProcessors() -> [Int] {
    guard let data = FileManager.default.contents(atPath: "/proc/self/status") else { return [] }
    let name = "Cpus_allowed_list:"
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name) }
    return processors(in: line.map { $0.dropFirst(name.count) } ?? "")
  }

  /// Reads `0-3,8`.
  static func processors(in list: Substring) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }
}
