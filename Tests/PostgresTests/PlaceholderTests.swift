import Testing

@testable import Postgres

@Suite struct PlaceholderTests {
  @Test(arguments: [
    ("SELECT ? + ?", "SELECT $1 + $2"),
    ("SELECT 1", "SELECT 1"),
    ("a = ? AND b = '?' AND \"c?\" = ?", "a = $1 AND b = '?' AND \"c?\" = $2"),
    ("'it''s ?' ?", "'it''s ?' $1"),
    ("'\"?' ? \"'?\" ?", "'\"?' $1 \"'?\" $2"),
    ("ü ?", "ü $1"),
  ])
  func `each question mark outside of quotation marks is numbered`(sql: String, numbered: String) {
    #expect(Placeholders.numbered(sql) == numbered)
  }
}
