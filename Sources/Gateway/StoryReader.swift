import Admission
import Operations

/// Finds out how stories stand, many in one go: all their jobs are asked for together.
struct StoryReader: Sendable {
  let jobs: JobReader

  /// In the order of the ids; nil for a story that is not known.
  func statuses(of ids: [StoryID]) async throws(AdmissionError) -> [StoryStatus?] {
    var statuses = try await jobs.statuses(of: ids.flatMap(\.jobs))[...]
    return ids.map { id in
      let own = statuses.prefix(id.jobs.count)
      statuses = statuses.dropFirst(own.count)
      return StoryStatus(id, Array(own))
    }
  }

  /// Of each story a word that is another one when there is something new to be said of it; empty for one that is not
  /// known.
  func glance(at ids: [StoryID]) async throws(AdmissionError) -> [String] {
    var words = try await jobs.glance(at: ids.flatMap(\.jobs))[...]
    return ids.map { id in
      let own = words.prefix(id.jobs.count)
      words = words.dropFirst(own.count)
      return own.allSatisfy(\.isEmpty) ? "" : own.joined(separator: "|")
    }
  }
}

extension StoryID {
  /// In the order in which `StoryStatus` takes them.
  fileprivate var jobs: [String] { scenes + [video] }
}
