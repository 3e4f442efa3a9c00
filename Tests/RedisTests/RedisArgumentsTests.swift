import Testing

@testable import Redis

/// The arguments as they would go over the wire.
func vector(_ arguments: RedisArguments, runID: String = "") -> [[UInt8]] {
  Array(runID.utf8).withUnsafeBytes { runID in
    arguments.withPointers(runID: runID) { starts, lengths in
      zip(starts, lengths).map { Array(UnsafeRawBufferPointer(start: $0, count: $1)) }
    }
  }
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
    let call = RedisScriptCall(script, keys: ["k1", "k2"]).arg("a").argRunID().arg(5).argRunID().arg([0xFF])
    let expected = ["EVALSHA", script.sha1, "2", "k1", "k2", "a", "abc", "5", "abc", "\u{FFFD}"]
    #expect(texts(call.arguments, runID: "abc") == expected)
    #expect(texts(RedisScriptCall(script, keys: []).arguments) == ["EVALSHA", script.sha1, "0"])
  }
}
