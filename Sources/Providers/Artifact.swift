import Contracts

/// A file that a job produced.
package struct Artifact: Sendable, Hashable {
  /// Relative if the store's directory is.
  package let path: String
  package let mediaType: String
  package let bytes: Int
  /// 64 lower-case hex digits.
  package let sha256: String

  /// `{"artifact":{...}}`, the `output` of a result.
  package var output: [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.literal(#"{"artifact":"#)
    json.artifact(self)
    json.literal("}")
    return json.bytes
  }

  /// `{"artifacts":[{...},...]}`, for a job that produced several.
  package static func output(_ artifacts: [Artifact]) -> [UInt8] {
    var json = JSONWriter(capacity: 256 * artifacts.count)
    json.literal(#"{"artifacts":["#)
    for (index, artifact) in artifacts.enumerated() {
      if index > 0 { json.literal(",") }
      json.artifact(artifact)
    }
    json.literal("]}")
    return json.bytes
  }
}

extension JSONWriter {
  fileprivate mutating func artifact(_ artifact: Artifact) {
    literal(#"{"path":"#)
    string(artifact.path)
    literal(#","mediaType":"#)
    string(artifact.mediaType)
    literal(#","bytes":"#)
    integer(Int64(artifact.bytes))
    literal(#","sha256":"#)
    string(artifact.sha256)
    literal("}")
  }
}
