<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: a function of SKUs alone.

/**
 * The SKU of a bundle with a fixed price. Magento writes it into orders with the SKUs of its parts behind it, where the
 * bundle's SKU is "dynamic"; commissions go by the bundle's own.
 */
class BundleSku
{
    /**
     * The own SKU in one that was composed, for a bundle that was deleted before its order was told.
     *
     * @param string $composed as in the order: "BUNDLE-PART-PART"
     * @param string[] $parts SKUs of the parts, in any order
     * @return string '' where the SKU is not one of these parts
     */
    public static function own(string $composed, array $parts): string
    {
        usort($parts, static fn (string $a, string $b): int => strlen($b) <=> strlen($a));
        while ($parts) {
            $last = array_filter($parts, static fn (string $part): bool => str_ends_with($composed, '-' . $part));
            if (!$last) {
                return '';
            }
            $composed = substr($composed, 0, -strlen(current($last)) - 1);
            unset($parts[key($last)]);
        }
        return $composed;
    }
}
