import Catalog
import Contracts

/// A file of job messages, one a line. Read twice: all of it is checked before any of it is published.
struct JobFile {
  struct Entry {
    let id: String
    let body: [UInt8]
    let lane: Lane
  }

  let path: String
  let policy: Policy

  /// Checks every line and returns how many jobs there are. The first bad line ends it.
  func check() throws(CommandFailure) -> Int {
    var reader = try LineReader(path: path)
    var lineOfID: [String: Int] = [:]
    while let (number, bytes) = try reader.next() {
      let job = try job(in: bytes, line: number, id: "unnamed:\(number)")
      if let first = lineOfID.updateValue(number, forKey: job.id) {
        throw fault(number, "has the id of line \(first)", "give each job an id of its own, or none")
      }
    }
    guard !lineOfID.isEmpty else {
      throw CommandFailure(.failed, "\(path) has no jobs", "write one job message per line")
    }
    return lineOfID.count
  }

  /// The entries in the order of the file; those without an id get one.
  func entries(at time: Timestamp) throws(CommandFailure) -> Entries {
    Entries(file: self, reader: try LineReader(path: path), time: time)
  }

  struct Entries {
    let file: JobFile
    var reader: LineReader
    let time: Timestamp

    mutating func next() throws(CommandFailure) -> Entry? {
      guard let (number, bytes) = try reader.next() else { return nil }
      let job = try file.job(in: bytes, line: number, id: JobID.fresh(at: time))
      let tier = file.policy.effectiveTier(assigned: nil, claimed: job.claimedTier)
      return Entry(id: job.id, body: bytes, lane: tier.lane)
    }
  }

  private func job(in bytes: [UInt8], line: Int, id: String) throws(CommandFailure) -> Job {
    switch JobMessage.decode(bytes, messageID: id) {
    case .job(let job): return job
    case .refused(let refusal):
      throw fault(line, "is no job: \(refusal.detail)", "correct it; nothing was published")
    case .lacksID: fatalError("Bug: an id that was assigned is missing")
    }
  }

  private func fault(_ line: Int, _ what: String, _ remedy: String) -> CommandFailure {
    CommandFailure(.failed, "\(path): line \(line) \(what)", remedy)
  }
}
