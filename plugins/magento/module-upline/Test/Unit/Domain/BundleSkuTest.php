<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\BundleSku;

class BundleSkuTest extends TestCase
{
    /**
     * @return array<string, array{string, string[], string}>
     */
    public static function skus(): array
    {
        return [
            'parts in order' => ['BUN-FIX-SIMPLE-B-SIMPLE-C', ['SIMPLE-B', 'SIMPLE-C'], 'BUN-FIX'],
            'parts in another order' => ['BUN-FIX-SIMPLE-B-SIMPLE-C', ['SIMPLE-C', 'SIMPLE-B'], 'BUN-FIX'],
            'the same part twice' => ['BUN-A-A', ['A', 'A'], 'BUN'],
            'one part ends as another' => ['BUN-B-A-B', ['B', 'A-B'], 'BUN'],
            'the own SKU alone' => ['BUN-FIX', ['SIMPLE-B', 'SIMPLE-C'], ''],
            'a part that is not in it' => ['BUN-FIX-SIMPLE-B', ['SIMPLE-B', 'OTHER'], ''],
            'no parts' => ['BUN-FIX', [], 'BUN-FIX'],
        ];
    }

    /**
     * @param string[] $parts
     * @dataProvider skus
     */
    #[DataProvider('skus')]
    public function testOwnSkuIsWhatIsBeforeTheParts(string $composed, array $parts, string $own): void
    {
        self::assertSame($own, BundleSku::own($composed, $parts));
    }
}
