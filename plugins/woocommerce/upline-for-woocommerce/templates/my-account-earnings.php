<?php
/**
 * My account: earnings of a distributor.
 *
 * This template can be overridden by copying it to yourtheme/upline/my-account-earnings.php.
 *
 * @package Upline\WooCommerce
 * @version 1.0.0
 * @var array|null $earnings What Upline says, or null where it could not be asked.
 * @var string     $open_url Leads to the back office.
 */

use Upline\WooCommerce\Account;

defined( 'ABSPATH' ) || exit;

if ( null === $earnings ) : ?>
	<p><?php esc_html_e( 'Your earnings cannot be shown right now. They are safe; please look again in a minute.', 'upline-for-woocommerce' ); ?></p>
	<?php
	return;
endif;

if ( empty( $earnings['distributor'] ) ) :
	?>
	<p><?php esc_html_e( 'This account is not that of a distributor.', 'upline-for-woocommerce' ); ?></p>
	<?php
	return;
endif;

$upline_link = (string) ( $earnings['distributor']['link'] ?? '' );
?>
<?php foreach ( $earnings['totals'] ?? array() as $upline_total ) : ?>
	<table class="shop_table shop_table_responsive upline-totals">
		<caption class="screen-reader-text"><?php echo esc_html( sprintf( /* translators: %s: currency */ __( 'Totals in %s', 'upline-for-woocommerce' ), $upline_total['currency'] ) ); ?></caption>
		<thead>
			<tr>
				<th scope="col"><?php esc_html_e( 'This month', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Pending', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Available', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Paid', 'upline-for-woocommerce' ); ?></th>
			</tr>
		</thead>
		<tbody>
			<tr>
				<td data-title="<?php esc_attr_e( 'This month', 'upline-for-woocommerce' ); ?>"><strong><?php echo wp_kses_post( Account::amount( $upline_total['this_month'] ?? null, $upline_total['currency'] ) ); ?></strong></td>
				<td data-title="<?php esc_attr_e( 'Pending', 'upline-for-woocommerce' ); ?>"><?php echo wp_kses_post( Account::amount( $upline_total['pending'] ?? null, $upline_total['currency'] ) ); ?></td>
				<td data-title="<?php esc_attr_e( 'Available', 'upline-for-woocommerce' ); ?>"><?php echo wp_kses_post( Account::amount( $upline_total['available'] ?? null, $upline_total['currency'] ) ); ?></td>
				<td data-title="<?php esc_attr_e( 'Paid', 'upline-for-woocommerce' ); ?>"><?php echo wp_kses_post( Account::amount( $upline_total['paid'] ?? null, $upline_total['currency'] ) ); ?></td>
			</tr>
		</tbody>
	</table>
<?php endforeach; ?>

<?php if ( '' !== $upline_link ) : ?>
	<p>
		<label for="upline-link"><?php esc_html_e( 'Your link: who buys after following it counts as yours', 'upline-for-woocommerce' ); ?></label>
		<input type="text" id="upline-link" class="input-text" readonly value="<?php echo esc_attr( $upline_link ); ?>" />
	</p>
<?php endif; ?>

<?php if ( empty( $earnings['data'] ) ) : ?>
	<p><?php esc_html_e( 'No earnings yet.', 'upline-for-woocommerce' ); ?></p>
<?php else : ?>
	<table class="shop_table shop_table_responsive upline-earnings">
		<caption class="screen-reader-text"><?php esc_html_e( 'Newest earnings', 'upline-for-woocommerce' ); ?></caption>
		<thead>
			<tr>
				<th scope="col"><?php esc_html_e( 'Date', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Order', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'For', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Amount', 'upline-for-woocommerce' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Status', 'upline-for-woocommerce' ); ?></th>
			</tr>
		</thead>
		<tbody>
		<?php foreach ( $earnings['data'] as $upline_row ) : ?>
			<tr>
				<td data-title="<?php esc_attr_e( 'Date', 'upline-for-woocommerce' ); ?>"><time datetime="<?php echo esc_attr( (string) ( $upline_row['at'] ?? '' ) ); ?>"><?php echo esc_html( wp_date( get_option( 'date_format' ), (int) strtotime( (string) ( $upline_row['at'] ?? '' ) ) ) ); ?></time></td>
				<td data-title="<?php esc_attr_e( 'Order', 'upline-for-woocommerce' ); ?>"><bdi><?php echo esc_html( (string) ( $upline_row['order'] ?? '' ) ); ?></bdi></td>
				<td data-title="<?php esc_attr_e( 'For', 'upline-for-woocommerce' ); ?>"><?php echo esc_html( (string) ( $upline_row['component'] ?? '' ) ); ?></td>
				<td data-title="<?php esc_attr_e( 'Amount', 'upline-for-woocommerce' ); ?>"><?php echo wp_kses_post( Account::amount( $upline_row['amount'] ?? null, (string) ( $upline_row['currency'] ?? '' ) ) ); ?></td>
				<td data-title="<?php esc_attr_e( 'Status', 'upline-for-woocommerce' ); ?>"><?php echo esc_html( Account::status( (string) ( $upline_row['status'] ?? '' ) ) ); ?></td>
			</tr>
		<?php endforeach; ?>
		</tbody>
	</table>
<?php endif; ?>

<?php if ( ! empty( $earnings['back_office'] ) ) : ?>
	<p><a class="button" href="<?php echo esc_url( $open_url ); ?>"><?php esc_html_e( 'Open my back office', 'upline-for-woocommerce' ); ?></a></p>
<?php endif; ?>
