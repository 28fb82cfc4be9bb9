<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Decimal;

class DecimalTest extends TestCase
{
    /**
     * @return array<string, array{mixed, string}>
     */
    public static function amounts(): array
    {
        return [
            'null' => [null, '0.0000'],
            'empty' => ['', '0.0000'],
            'text of the database' => ['568.8700', '568.8700'],
            'whole text' => ['12', '12.0000'],
            'whole number' => [12, '12.0000'],
            'float' => [0.1 + 0.2, '0.3000'],
            'negative' => ['-2.9568', '-2.9568'],
            'less than one' => ['-0.5', '-0.5000'],
            'negative zero' => ['-0.0000', '0.0000'],
            'dust' => ['3.5e-15', '0.0000'],
            'dust of a float' => [3.5e-15, '0.0000'],
            'tie to even' => ['1.00005', '1.0000'],
            'tie to odd' => ['1.00015', '1.0002'],
            'above a tie' => ['1.000050001', '1.0001'],
            'below a tie' => ['1.000049', '1.0000'],
            'far below a tie' => ['1.00000999', '1.0000'],
            'carry' => ['1.99999', '2.0000'],
            'leading zeros' => ['000000000000000001.5', '1.5000'],
            'largest' => ['99999999999999.9999', '99999999999999.9999'],
        ];
    }

    /**
     * @dataProvider amounts
     * @param mixed $value
     * @param string $want
     */
    #[DataProvider('amounts')]
    public function testText(mixed $value, string $want): void
    {
        self::assertSame($want, Decimal::text(Decimal::fine($value)));
        self::assertSame($want, Decimal::text(Decimal::fine($want)), 'told again it is the same');
    }

    /**
     * @return array<string, array{mixed}>
     */
    public static function none(): array
    {
        return [
            'word' => ['twelve'], 'two points' => ['1.2.3'], 'comma' => ['1,5'], 'power' => ['1e5'], 'list' => [[]],
            'infinite' => [INF], 'too large' => ['100000000000000'], 'hexadecimal' => ['0x1F'], 'point alone' => ['.'],
        ];
    }

    /**
     * @dataProvider none
     * @param mixed $value
     */
    #[DataProvider('none')]
    public function testWhatIsNoAmountIsRefused(mixed $value): void
    {
        $this->expectException(\InvalidArgumentException::class);
        Decimal::fine($value);
    }

    public function testPlain(): void
    {
        self::assertSame('2', Decimal::plain('2.0000'));
        self::assertSame('0.5', Decimal::plain('0.5000'));
        self::assertSame('10', Decimal::plain('10'));
        self::assertSame('0', Decimal::plain(null));
        self::assertSame('1.5', Decimal::plain('1.5000'));
    }

    public function testSumsOfManyAmountsStayExact(): void
    {
        $sum = 0;
        for ($i = 0; $i < 100000; $i++) {
            $sum += Decimal::fine('0.1');
        }
        self::assertSame('10000.0000', Decimal::text($sum));
    }
}
