import Contracts

/// Calls to one model on Hugging Face's inference servers, from the payload of a job. Pure. Wire shapes:
/// https://huggingface.co/docs/inference-providers/providers/hf-inference.
struct HuggingFaceRequest: Sendable {
  /// Below `/hf-inference`.
  let path: String
  let body: [UInt8]

  static func embeddings(model: String, payload: JSONValue) -> HuggingFaceRequest {
    let input = payload["input"]
    var json = JSONWriter(capacity: payload.raw.count + 32)
    json.literal(#"{"inputs":"#)
    // Always a list, so that the answer is one of vectors.
    if input?.isArray != true { json.literal("[") }
    json.raw(input?.raw ?? [])
    if input?.isArray != true { json.literal("]") }
    json.literal("}")
    return HuggingFaceRequest(path: "/models/\(model)/pipeline/feature-extraction", body: json.bytes)
  }

  static func image(model: String, payload: JSONValue) -> HuggingFaceRequest {
    var json = JSONWriter(capacity: payload.raw.count + 96)
    json.literal(#"{"inputs":"#)
    json.raw(payload["prompt"]?.raw ?? [])
    if let (width, height) = payload["size"]?.string.flatMap(sides) {
      json.literal(#","parameters":{"width":"#)
      json.integer(Int64(width))
      json.literal(#","height":"#)
      json.integer(Int64(height))
      json.literal("}")
    }
    json.literal("}")
    return HuggingFaceRequest(path: "/models/\(model)", body: json.bytes)
  }

  static func speech(model: String, payload: JSONValue) -> HuggingFaceRequest {
    var json = JSONWriter(capacity: payload.raw.count + 16)
    json.literal(#"{"inputs":"#)
    json.raw(payload["text"]?.raw ?? [])
    json.literal("}")
    return HuggingFaceRequest(path: "/models/\(model)", body: json.bytes)
  }

  /// Of `1024x768`; nil for anything else, `auto` among it.
  static func sides(of size: String) -> (width: Int, height: Int)? {
    let sides = size.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1], (1...8192).contains(width),
      (1...8192).contains(height)
    else { return nil }
    return (width, height)
  }

  /// Whether a model is named as repositories are, `name` or `owner/name`: it becomes part of an address.
  static func isRepository(_ model: String) -> Bool {
    let parts = model.split(separator: "/", omittingEmptySubsequences: false)
    return (1...2).contains(parts.count)
      && parts.allSatisfy { part in
        !part.isEmpty && part != "." && part != ".."
          && part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
              UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
              true
            default: false
            }
          }
      }
  }
}
