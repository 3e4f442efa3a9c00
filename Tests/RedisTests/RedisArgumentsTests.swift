import Testing

@testable import Redis

/// The arguments as a server would read them.
func vector(_ arguments: RedisArguments, runID: String = "", evaluating source: String? = nil) -> [[UInt8]] {
  var wire: [UInt8] = []
  #expect(
    arguments.pieces(runID: runID, evaluating: source) { piece in
      wire.append(contentsOf: piece)
      return true
    })
  var rest = wire[...]
  func number(behind mark: Character) -> Int {
    let line = rest.prefix { $0 != UInt8(ascii: "\r") }
    rest = rest.dropFirst(line.count + 2)
    #expect(line.first == mark.asciiValue)
    return Int(String(decoding: line.dropFirst(), as: UTF8.self)) ?? 0
  }
  let read = (0..<number(behind: "*")).map { _ in
    let length = number(behind: "$")
    defer { rest = rest.dropFirst(length + 2) }
    #expect(Array(rest.dropFirst(length).prefix(2)) == Array("\r\n".utf8))
    return Array(rest.prefix(length))
  }
  #expect(rest.isEmpty)
  return read
}

func texts(_ arguments: RedisArguments, runID: String = "") -> [String] {
  vector(arguments, runID: runID).map { String(decoding: $0, as: UTF8.self) }
}

@Suite struct RedisArgumentsTests {
  @Test func `a command keeps its arguments apart whatever they contain`() {
    let everyByte = (0...255).map { UInt8($0) }
    let command = RedisCommand("SET").arg("a b\r\n$3\r\n").arg(everyByte).arg("").arg([UInt8]()).arg("é")
    let expected: [[UInt8]] = [
      Array("SET".utf8), Array("a b\r\n$3\r\n".utf8), everyByte, [], [], Array("é".utf8),
    ]
    #expect(vector(command.arguments) == expected)
  }

  @Test func `numbers are written in decimal`() {
    let command = RedisCommand("X").arg(0).arg(-7).arg(Int64.max).arg(Int64.min)
    #expect(texts(command.arguments) == ["X", "0", "-7", "9223372036854775807", "-9223372036854775808"])
  }

  @Test func `a command grows beyond its capacity`() {
    var command = RedisCommand("X", capacity: 1)
    for number in 0..<1000 { command = command.arg(Int64(number)) }
    #expect(texts(command.arguments) == ["X"] + (0..<1000).map(String.init))
  }

  @Test func `copies of a command do not share later arguments`() {
    let base = RedisCommand("X").arg("1")
    let longer = base.arg("2")
    #expect(texts(base.arguments) == ["X", "1"])
    #expect(texts(longer.arguments) == ["X", "1", "2"])
  }

  @Test func `the digest of a script is the SHA-1 of its source`() {
    #expect(RedisScript(name: "one", source: "return 1").sha1 == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
    #expect(RedisScript(name: "none", source: "").sha1 == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  }

  @Test func `a script call counts its keys and fills in the run_id`() {
    let script = RedisScript(name: "one", source: "return 1")
    let call = RedisScriptCall(script, keys: ["k1", "k2"]).arg("a").argRunID().arg(5).arg([0xFF])
    let expected = ["k1", "k2", "a", "abc", "5", "\u{FFFD}"]
    #expect(texts(call.arguments, runID: "abc") == ["EVALSHA", script.sha1, "2"] + expected)
    let evaluated = vector(call.arguments, runID: "abc", evaluating: "return 1").map {
      String(decoding: $0, as: UTF8.self)
    }
    #expect(evaluated == ["EVAL", "return 1", "2"] + expected)
    #expect(texts(RedisScriptCall(script, keys: []).arguments) == ["EVALSHA", script.sha1, "0"])
  }
}
