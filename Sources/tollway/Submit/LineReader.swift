import Contracts
import Foundation

/// Reads a file line by line, holding one line and one chunk at a time. Empty lines are passed over.
struct LineReader {
  private static let chunkBytes = 1 << 16

  private let path: String
  private let file: FileHandle
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false
  private var number = 0

  init(path: String) throws(CommandFailure) {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw CommandFailure(.usage, "cannot read \(path)", "name a file that exists and may be read")
    }
    self.path = path
    self.file = file
  }

  /// The next line without its end, and its number counting from 1; nil at the end of the file.
  mutating func next() throws(CommandFailure) -> (number: Int, bytes: [UInt8])? {
    while true {
      if let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = trimmed(buffer[position..<end])
        position = end + 1
        number += 1
        if !line.isEmpty { return (number, line) }
        continue
      }
      if isAtEnd {
        let line = trimmed(buffer[position...])
        position = buffer.count
        number += 1
        return line.isEmpty ? nil : (number, line)
      }
      guard buffer.count - position <= JobMessage.maximumBytes else {
        throw CommandFailure(
          .failed, "\(path): line \(number + 1) is larger than \(JobMessage.maximumBytes) bytes",
          "write one job message per line")
      }
      try fill()
    }
  }

  private mutating func fill() throws(CommandFailure) {
    buffer.removeFirst(position)
    position = 0
    do {
      guard let data = try file.read(upToCount: Self.chunkBytes), !data.isEmpty else {
        isAtEnd = true
        return
      }
      buffer.append(contentsOf: data)
    } catch {
      throw CommandFailure(.failed, "\(path): cannot be read to its end", "check that it is a file and the disk works")
    }
  }

  private func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
    let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }
    guard let first = line.firstIndex(where: { !isBlank($0) }), let last = line.lastIndex(where: { !isBlank($0) })
    else {
      return []
    }
    return Array(line[first...last])
  }
}
