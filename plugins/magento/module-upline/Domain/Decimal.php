<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure arithmetic: a plugin that changed it would change money.

/**
 * Amounts as whole ten-thousandths, and as the decimal text that the server reads. Magento keeps four decimals in every
 * currency; they are added here as whole numbers and rounded to the currency once, by the server.
 */
class Decimal
{
    private const PLACES = 4;
    private const ONE = 10000;

    /**
     * The most digits before the point; more is no amount.
     */
    private const DIGITS = 14;

    /**
     * An amount in ten-thousandths, halves rounded to even. Null and "" are 0.
     *
     * @param mixed $value what Magento returned: text, a whole number, or a float
     * @return int
     * @throws \InvalidArgumentException for what is no amount
     */
    public static function fine(mixed $value): int
    {
        if ($value === null || $value === '') {
            return 0;
        }
        if (is_float($value)) {
            $value = is_finite($value) ? sprintf('%.4F', $value) : 'not finite';
        }
        $text = is_string($value) || is_int($value) ? trim((string) $value) : '';
        if (preg_match('/^[+-]?\d(\.\d*)?[eE]-\d{1,3}$/D', $text) === 1) {
            $text = sprintf('%.4F', (float) $text); // The dust of a float that was 0.
        }
        if (preg_match('/^([+-]?)(\d+)(?:\.(\d*))?$/D', $text, $part) !== 1) {
            throw new \InvalidArgumentException('"' . substr($text, 0, 24) . '" is no amount');
        }
        $whole = ltrim($part[2], '0');
        if (strlen($whole) > self::DIGITS) {
            throw new \InvalidArgumentException('the amount ' . substr($text, 0, 24) . '… is too large');
        }
        $fine = (int) $whole * self::ONE + self::rounded($part[3] ?? '');
        return $part[1] === '-' ? -$fine : $fine;
    }

    /**
     * A fraction in ten-thousandths, rounded half to even.
     *
     * @param string $digits behind the point
     * @return int
     */
    private static function rounded(string $digits): int
    {
        $kept = (int) str_pad(substr($digits, 0, self::PLACES), self::PLACES, '0');
        $rest = rtrim(substr($digits, self::PLACES), '0');
        $side = strcmp($rest, '5'); // As text: PHP compares strings of digits as numbers, and 49 is more than 5.
        return $side > 0 || ($side === 0 && $kept % 2 === 1) ? $kept + 1 : $kept;
    }

    /**
     * Ten-thousandths as text with four decimals, such as "12.5000".
     *
     * @param int $fine
     * @return string
     */
    public static function text(int $fine): string
    {
        $digits = str_pad((string) abs($fine), self::PLACES + 1, '0', STR_PAD_LEFT);
        return ($fine < 0 ? '-' : '') . substr($digits, 0, -self::PLACES) . '.' . substr($digits, -self::PLACES);
    }

    /**
     * A quantity or rate as text without needless zeros, such as "2" or "0.5".
     *
     * @param mixed $value what Magento returned
     * @return string
     */
    public static function plain(mixed $value): string
    {
        return rtrim(rtrim(self::text(self::fine($value)), '0'), '.');
    }
}
