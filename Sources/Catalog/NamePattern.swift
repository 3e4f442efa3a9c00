/// A regular expression for names of models, which fits the whole name. All ways through it are followed at once, so that
/// no pattern takes longer than its length times the name's: a worker asks it for every job. (The standard library's
/// `Regex` goes back and tries again, and cannot be shared between threads.) Immutable.
///
/// Plain ASCII: characters, `.`, `\d`, `\w` and `\` before a mark; `[a-z.-]`, `[^...]`; `( )`, `|`; `*`, `+`, `?`,
/// `{2}`, `{2,}`, `{2,4}`. `^` at the beginning and `$` at the end say what holds anyway.
struct NamePattern: Sendable {
  /// Why a text is no pattern of ours; what to write instead.
  struct Fault: Error, Equatable {
    var message: String
  }

  static let maximumBytes = 200
  static let maximumNameBytes = 256
  /// What a pattern may grow to when its repetitions are written out.
  static let maximumSteps = 2000

  enum Step: Sendable {
    case one(ByteSet)
    /// Goes on at both places.
    case fork(Int, Int)
    case jump(Int)
    case end
  }

  private let steps: [Step]

  init(_ text: String) throws(Fault) {
    var parser = NamePatternParser(text)
    var steps: [Step] = []
    try Self.write(try parser.parse(), to: &steps)
    steps.append(.end)
    self.steps = steps
  }

  func matches(_ name: String) -> Bool {
    guard name.utf8.count <= Self.maximumNameBytes else { return false }
    var here = Places(count: steps.count)
    var next = Places(count: steps.count)
    var todo: [Int] = []
    enter(0, &here, &todo)
    for byte in name.utf8 {
      next.clear()
      for place in here.members {
        if case .one(let set) = steps[place], set.contains(byte) { enter(place + 1, &next, &todo) }
      }
      swap(&here, &next)
      if here.members.isEmpty { return false }
    }
    return here.contains(steps.count - 1)
  }

  /// Adds a place and all that can be reached from it without a character.
  private func enter(_ place: Int, _ places: inout Places, _ todo: inout [Int]) {
    todo.append(place)
    while let place = todo.popLast() {
      guard places.insert(place) else { continue }
      switch steps[place] {
      case .one, .end: break
      case .jump(let target): todo.append(target)
      case .fork(let first, let second):
        todo.append(first)
        todo.append(second)
      }
    }
  }

  private static func write(_ node: NamePatternParser.Node, to steps: inout [Step]) throws(Fault) {
    guard steps.count < maximumSteps else { throw Fault(message: "repeats too much; make it shorter") }
    switch node {
    case .set(let set): steps.append(.one(set))
    case .sequence(let nodes): for node in nodes { try write(node, to: &steps) }
    case .choice(let nodes):
      var exits: [Int] = []
      for (index, node) in nodes.enumerated() {
        let fork = steps.count
        let isLast = index == nodes.count - 1
        if !isLast { steps.append(.jump(0)) }
        try write(node, to: &steps)
        if !isLast {
          exits.append(steps.count)
          steps.append(.jump(0))
          steps[fork] = .fork(fork + 1, steps.count)
        }
      }
      for exit in exits { steps[exit] = .jump(steps.count) }
    case .repeated(let node, let least, let most):
      for _ in 0..<least { try write(node, to: &steps) }
      guard let most else {
        let fork = steps.count
        steps.append(.jump(0))
        try write(node, to: &steps)
        steps.append(.jump(fork))
        steps[fork] = .fork(fork + 1, steps.count)
        return
      }
      var forks: [Int] = []
      for _ in least..<most {
        forks.append(steps.count)
        steps.append(.jump(0))
        try write(node, to: &steps)
      }
      for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
    }
  }

  /// Where a name can have got to.
  private struct Places {
    private(set) var members: [Int] = []
    private var marks: [Bool]

    init(count: Int) { marks = Array(repeating: false, count: count) }

    func contains(_ place: Int) -> Bool { marks[place] }

    mutating func insert(_ place: Int) -> Bool {
      guard !marks[place] else { return false }
      marks[place] = true
      members.append(place)
      return true
    }

    mutating func clear() {
      for place in members { marks[place] = false }
      members.removeAll(keepingCapacity: true)
    }
  }
}

/// Some of the 256 bytes.
struct ByteSet: Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  static let all = ByteSet(0...255)
  static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
  static var word: ByteSet {
    var set = digits
    set.insert(UInt8(ascii: "a")...UInt8(ascii: "z"))
    set.insert(UInt8(ascii: "A")...UInt8(ascii: "Z"))
    set.insert(UInt8(ascii: "_")...UInt8(ascii: "_"))
    return set
  }

  init() {}
  init(_ range: ClosedRange<UInt8>) { insert(range) }

  func contains(_ byte: UInt8) -> Bool {
    let bit: UInt64 = 1 << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: return words.0 & bit != 0
    case 1: return words.1 & bit != 0
    case 2: return words.2 & bit != 0
    default: return words.3 & bit != 0
    }
  }

  mutating func insert(_ range: ClosedRange<UInt8>) {
    for byte in range {
      let bit: UInt64 = 1 << UInt64(byte & 63)
      switch byte >> 6 {
      case 0: words.0 |= bit
      case 1: words.1 |= bit
      case 2: words.2 |= bit
      default: words.3 |= bit
      }
    }
  }

  mutating func formUnion(_ other: ByteSet) {
    words = (
      words.0 | other.words.0, words.1 | other.words.1, words.2 | other.words.2, words.3 | other.words.3
    )
  }

  var inverted: ByteSet {
    var set = ByteSet()
    set.words = (~words.0, ~words.1, ~words.2, ~words.3)
    return set
  }
}
