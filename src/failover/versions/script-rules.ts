/** What all scripts of the merge rule share. Before it `horizon` must be there: what is above it counts as no version. */
export const versionRules = `
local function valid(text)
  return text and #text == 24 and not string.find(text, '[^0-9a-f]') and text <= horizon and text
end
local function higher(a, b)
  if not a or (b and b > a) then return b end
  return a
end`
