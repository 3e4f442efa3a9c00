import Contracts
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Operations
import Providers

/// A file that a job produced, whole or a range of it. Which file that is says the job's result alone, never the request.
struct ArtifactPage: Sendable {
  let store: ArtifactStore
  let writer: PatientWriter

  private struct Entry {
    let path, mediaType, sha256: String
    let bytes: Int

    init?(_ value: JSONValue) {
      guard let path = value["path"]?.string, let mediaType = value["mediaType"]?.string,
        let bytes = value["bytes"]?.integer, let sha256 = value["sha256"]?.string,
        sha256.wholeMatch(of: /[0-9a-f]{64}/) != nil, mediaType.utf8.allSatisfy({ (0x20..<0x7F).contains($0) })
      else { return nil }
      self.path = path
      self.mediaType = mediaType
      self.sha256 = sha256
      self.bytes = bytes
    }
  }

  func response(to request: Request, _ status: JobStatus, on channel: any Channel) async throws -> Response {
    let number = try Self.number(request)
    let entry = try Self.entry(number, of: status)
    let tag = "\"\(entry.sha256)\""
    var fields: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
    if let known = request.headers[.ifNoneMatch], Self.matches(known, tag) {
      return Response(status: .notModified, headers: fields)
    }
    guard let file = await store.file(entry.path) else {
      throw Problem(.notFound, "the file is not on the machine of this gateway: it must share the workers' directory")
    }
    guard file.bytes == entry.bytes else {
      throw Problem(.notFound, "the file is not the one that the job produced: it has another size")
    }
    fields[.contentType] = Self.isHarmless(entry.mediaType) ? entry.mediaType : "application/octet-stream"
    fields[.contentDisposition] = Self.disposition(entry.path, entry.mediaType, status.explanation.job, number)
    fields[.acceptRanges] = "bytes"
    // Half of one version and half of another is no file.
    let isSame = request.headers[.ifRange].map { $0 == tag } ?? true
    switch ByteRange(isSame ? request.headers[.range] : nil, of: entry.bytes) {
    case .whole:
      return Response(status: .ok, headers: fields, body: body(file, 0..<entry.bytes, channel))
    case .part(let range):
      fields[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(entry.bytes)"
      return Response(status: .partialContent, headers: fields, body: body(file, range, channel))
    case .unsatisfiable:
      var problem = Problem(.rangeNotSatisfiable, "the file has \(entry.bytes) bytes")
      problem.headers[.contentRange] = "bytes */\(entry.bytes)"
      throw problem
    }
  }

  /// Counts from 1.
  private static func number(_ request: Request) throws -> Int {
    guard let text = request.uri.queryParameters.get("n") else { return 1 }
    guard let number = Int(text), number >= 1 else { throw Problem(.badRequest, "n: must be a number from 1 on") }
    return number
  }

  private static func entry(_ number: Int, of status: JobStatus) throws -> Entry {
    guard status.isOver else { throw Problem(.notFound, "the job has not ended yet") }
    guard let output = status.output else {
      throw Problem(.notFound, "the job has no output, or it is not remembered any more")
    }
    let root = try JSONParser.parse(output).root
    let entries = root["artifact"].map { [$0] } ?? root["artifacts"]?.elements ?? []
    guard number <= entries.count, let entry = Entry(entries[number - 1]) else {
      let count = entries.isEmpty ? "no file" : entries.count == 1 ? "1 file" : "\(entries.count) files"
      throw Problem(.notFound, "the job produced \(count)")
    }
    return entry
  }

  private static func matches(_ field: String, _ tag: String) -> Bool {
    field.split(separator: ",").contains { entry in
      let known = entry.filter { $0 != " " && $0 != "\t" }
      return known == "*" || known == tag || known == "W/" + tag
    }
  }

  /// What a browser may show without harm to the site that it comes from.
  private static func isHarmless(_ mediaType: String) -> Bool {
    let isMedia = ["audio/", "video/", "image/"].contains { mediaType.hasPrefix($0) }
    return isMedia && !mediaType.hasPrefix("image/svg") || mediaType.hasPrefix("text/plain")
      || mediaType == "application/json"
  }

  private static func disposition(_ path: String, _ mediaType: String, _ job: String, _ number: Int) -> String {
    let ending = path.split(separator: ".").last.map(String.init) ?? ""
    let isPlain = ending.wholeMatch(of: /[A-Za-z0-9]{1,8}/) != nil
    let stem = job.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }
    let name = String(stem) + (number > 1 ? "-\(number)" : "") + (isPlain ? ".\(ending)" : "")
    return "\(isHarmless(mediaType) ? "inline" : "attachment"); filename=\"\(name)\""
  }

  private struct TooShort: Error {}

  private func body(_ file: ArtifactFile, _ range: Range<Int>, _ channel: any Channel) -> ResponseBody {
    ResponseBody(contentLength: range.count) { [writer] body in
      var offset = range.lowerBound
      while offset < range.upperBound {
        let (from, count) = (offset, min(256 << 10, range.upperBound - offset))
        let bytes = try await NIOThreadPool.singleton.runIfActive { try file.read(at: from, count: count) }
        guard !bytes.isEmpty else { throw TooShort() }  // of a file that was cut meanwhile; the connection ends
        try await writer.write(bytes, on: channel, to: &body)
        offset += bytes.count
      }
      try await body.finish(nil)
    }
  }
}
