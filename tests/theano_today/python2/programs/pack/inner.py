import string_
value = 7 / 2, string_.where
