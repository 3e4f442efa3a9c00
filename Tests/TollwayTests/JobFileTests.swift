import Contracts
import Foundation
import TestKit
import Testing

@testable import tollway

struct JobFileTests {
  private let directory: TestDirectory

  init() throws { directory = try TestDirectory("jobs") }

  private func file(_ text: String) throws -> JobFile {
    let path = directory.file("jobs.ndjson")
    try Data(text.utf8).write(to: path)
    return JobFile(path: path.path, policy: try RuleBook.policy(at: nil))
  }

  private func job(_ members: String = "") -> String {
    #"{"userId":"ana","taskType":"echo","payload":{}\#(members)}"#
  }

  private func fault(_ text: String) throws -> String {
    let file = try file(text)
    do throws(tollway.CommandFailure) {
      _ = try file.check()
      return ""
    } catch {
      return error.happened.replacing(file.path, with: "FILE")
    }
  }

  @Test func `every line is a job with the lane of its tier, whatever ends the lines`() throws {
    let text = [
      job(#","id":"a","userTier":"tier4""#), "", job(#","id":"b","userTier":"PRO""#) + "\r", job(#","id":"c""#),
    ]
    let file = try file(text.joined(separator: "\n"))
    #expect(try file.check() == 3)
    var entries = try file.entries(at: Timestamp(milliseconds: 0))
    var found: [String] = []
    while let entry = try entries.next() { found.append("\(entry.id) \(entry.lane)") }
    #expect(found == ["a critical", "b standard", "c low"])
  }

  @Test func `lines without an id get one each, and go out as they are`() throws {
    let file = try file(job() + "\n" + job() + "\n")
    #expect(try file.check() == 2)
    var entries = try file.entries(at: Timestamp(milliseconds: 0))
    let first = try #require(try entries.next())
    let second = try #require(try entries.next())
    #expect(first.id != second.id && first.body == Array(job().utf8))
    #expect(try entries.next() == nil)
  }

  @Test func `a bad line is named by its number`() throws {
    #expect(try fault("\n\(job())\n{\n") == "FILE: line 3 is no job: not valid JSON: member name expected at byte 1")
    #expect(try fault(#"{"userId":"ana"}"#) == "FILE: line 1 is no job: taskType: missing")
  }

  @Test func `an id that comes twice is named by both lines`() throws {
    let twice = job(#","id":"a""#)
    #expect(try fault("\(twice)\n\(job())\n\(twice)") == "FILE: line 3 has the id of line 1")
  }

  @Test func `a file without jobs is a mistake`() throws {
    #expect(try fault("\n \n") == "FILE has no jobs")
  }

  @Test func `lines longer than a chunk are read whole, one that is too long for a job is refused`() throws {
    let long = job(#","metadata":{"x":"\#(String(repeating: "a", count: 300_000))"}"#)
    let file = try file([long, job(), long].joined(separator: "\n"))
    var reader = try LineReader(path: file.path)
    var sizes: [Int] = []
    while let line = try reader.next() { sizes.append(line.bytes.count) }
    #expect(sizes == [long.utf8.count, job().utf8.count, long.utf8.count])
    let huge = String(repeating: "a", count: JobMessage.maximumBytes * 2)
    #expect(try fault("\(job())\n\(huge)") == "FILE: line 2 is larger than \(JobMessage.maximumBytes) bytes")
  }
}
